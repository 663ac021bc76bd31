/**
 * Kinds of segmentation that a TUN with virtio headers hands over or takes (virtio 1.2 §5.1.6): one large packet stands
 * for many of the same flow.
 */
export const GsoType = { none: 0, tcp4: 1, udpFragments: 3, tcp6: 4, udp: 5 } as const;
export type GsoType = (typeof GsoType)[keyof typeof GsoType];
