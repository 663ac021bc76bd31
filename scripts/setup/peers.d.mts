/** Is there something that set-up could make here, and has not? */
export const peersAreMissing: () => boolean;
/** Is the router not here, though set-up could bring it? */
export const birdIsMissing: () => boolean;
