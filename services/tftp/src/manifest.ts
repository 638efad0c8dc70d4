import { bindingsBucket, defineManifest, tftpCompleted, tftpFailed, tftpRefused, tftpRrq } from '@ironbus/contracts';

export const manifest = defineManifest({
  service: 'tftp',
  publishes: [tftpRrq, tftpCompleted, tftpFailed, tftpRefused],
  consumes: [],
  writes: [],
  watches: [bindingsBucket],
});
