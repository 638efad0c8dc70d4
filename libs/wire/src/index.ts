/** The codecs of Ironbus: DHCPv4 and TFTP as pure functions from bytes to values and back, and IPv4/MAC text helpers. */
export { asBuffer } from './text.ts';
export {
  broadcastOf, compareIpv4, contains, formatCidr, formatIpv4, formatMac, hostRange, inRange, type Ipv4Network, isIpv4,
  type MacForm, maskOf, networkOf, parseCidr, parseIpv4, parseMac, prefixOf, reformatMac,
} from './net.ts';
export { decode, type DhcpDecoded, type DhcpMalformed, type DhcpMalformedReason } from './dhcp/decode.ts';
export {
  BOOTP_BYTES, encode, type EncodedReply, type EncodeLimits, encodeReply, ETHERNET_PAYLOAD, KEEP_ORDER, MIN_MAX_PAYLOAD,
  replyLimit, type ReplyLimits,
} from './dhcp/encode.ts';
export { explain } from './dhcp/explain.ts';
export {
  autoConfigure, bootFile, clientId, clientKey, domainName, domainSearch, hardwareMac, hostName, leaseSeconds, maxMessageSize,
  messageType, parameterList, rapidCommit, requestedAddress, routes, serverId, subnetSelection, tftpServerName, tftpServers,
  userClass, vendorClass, vendorOptions,
} from './dhcp/getters.ts';
export { BootOp, ClientArch, type DhcpMessage, HardwareType, makeMessage, MessageType, replyTo } from './dhcp/messages.ts';
export { type OptionFormat, optionFormat, optionName, type OptionRow, optionTable } from './dhcp/option-table.ts';
export { OptionMap } from './dhcp/option-map.ts';
export {
  bsdpFailedReply, type BsdpImage, bsdpImageBytes, bsdpImageId, BsdpImageKind, bsdpListReply, BsdpMessage, bsdpProposal, bsdpRequest,
  type BsdpRequest, bsdpSelectReply, BsdpSubOption, bsdpSystem, decodeBsdpImages, isBsdpClient,
} from './dhcp/options/bsdp.ts';
export { decodeDomains, encodeDomains } from './dhcp/options/domains.ts';
export { type ClientFqdn, clientFqdn, encodeFqdn, FqdnFlag } from './dhcp/options/fqdn.ts';
export {
  IpxeFeature, type IpxeFeatureName, ipxeFeatures, type IpxeFeatures, IpxeSubOption, noProxyDhcp,
} from './dhcp/options/ipxe.ts';
export {
  clientArch, clientUuid, clientUuidBytes, clientUuidNetworkOrder, isRaspberryPi, networkInterface, type PxeBootServer,
  PxeDiscovery, type PxeMenuItem, PxeSubOption, pxeSubOptions, pxeVendorOptions, type PxeVendorOptions, raspberryPi3VendorOptions,
  raspberryPiBoot, raspberryPiVendorOptions,
} from './dhcp/options/pxe.ts';
export { relayInfo, type RelayInfo, RelaySubOption } from './dhcp/options/relay.ts';
export { decodeRoutes, encodeRoutes, type Route } from './dhcp/options/routes.ts';
export { decodeSubOptions, encodeSubOptions, findSubOption, type SubOption } from './dhcp/options/sub-options.ts';
export { type ParsedHex, parseHex } from './hex.ts';
export { type Capture, type Datagram, readCapture } from './pcap.ts';
export { decodeTftp, type TftpDecoded, type TftpMalformed, type TftpMalformedReason } from './tftp/decode.ts';
export {
  DATA_HEADER_BYTES, dataHeader, encodeAck, encodeData, encodeError, encodeOack, encodeRrq, encodeTftp, encodeWrq,
} from './tftp/encode.ts';
export { fromNetascii, netasciiLength, netasciiStart, type NetasciiState, toNetascii } from './tftp/netascii.ts';
export {
  DEFAULT_BLOCK_BYTES, knownOptions, TftpError, type TftpKnownOptions, TftpOp, type TftpOption, type TftpPacket, type TftpRequest,
} from './tftp/packets.ts';
