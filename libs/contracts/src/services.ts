/** Who publishes and consumes: the services of design.md, and nothing else. */
export const services = ['dhcp', 'tftp', 'bootfiles', 'power', 'lifecycle', 'api'] as const;
export type ServiceName = (typeof services)[number];

/** Services that sit on a rack; their events carry the rack's id in the subject, the others' carry `region`. */
export const rackServices: readonly ServiceName[] = ['dhcp', 'tftp', 'bootfiles', 'power'];
export const regionToken = 'region';
