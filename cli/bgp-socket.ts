export const DEFAULT_BGP_SOCKET = '/run/cloudbridge/bgp.sock';

export const BGP_SOCKET_OPTION = {
  socket: { type: 'string', placeholder: 'PATH', help: `the speaker's socket (default ${DEFAULT_BGP_SOCKET})` },
} as const;
