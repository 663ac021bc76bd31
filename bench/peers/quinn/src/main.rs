//! `quic-perf` on quinn.

#[path = "../../shared/answer.rs"]
mod answer;
#[path = "../../shared/common.rs"]
mod common;
#[path = "../../shared/measure.rs"]
mod measure;
mod tickets;

use answer::{DATAGRAM_BYTES, Datagrams, REQUEST_BYTES, ROUND_BYTES, Stream, answer};
use bytes::Bytes;
use common::*;
use measure::{Client, Connection, Handshake, Receive, measure, on_one_thread, request};
use quinn::{
    AckFrequencyConfig, ClientConfig, Endpoint, EndpointConfig, MtuDiscoveryConfig, RecvStream, SendStream, ServerConfig,
    TokioRuntime, TransportConfig, VarInt,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs as provider},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{net::SocketAddr, sync::Arc};
use tickets::Tickets;

/// `-ack-every N`: the peer is asked for an ACK of N packets each (draft-ietf-quic-ack-frequency).
fn transport(flags: &Flags) -> Result<Arc<TransportConfig>, Error> {
    let mut config = TransportConfig::default();
    let mut discovery = MtuDiscoveryConfig::default();
    discovery.upper_bound(1472);
    config
        .initial_mtu(1280)
        .min_mtu(1280)
        .mtu_discovery_config(Some(discovery))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(CONNECTION_WINDOW as u64)
        .datagram_receive_buffer_size(Some(8 << 20))
        .datagram_send_buffer_size(1 << 20)
        .max_idle_timeout(Some(IDLE.try_into().unwrap()));
    if let Some(every) = flags.number("ack-every")? {
        let mut wish = AckFrequencyConfig::default();
        wish.ack_eliciting_threshold(VarInt::from_u32(every as u32 - 1));
        config.ack_frequency_config(Some(wish));
    }
    Ok(Arc::new(config))
}

/// AES-128-GCM and one key exchange only, as all programs that are compared have them.
fn crypto(flags: &Flags) -> Result<Arc<CryptoProvider>, Error> {
    let group = match flags.group()? {
        Group::X25519 => provider::kx_group::X25519,
        Group::X25519MlKem768 => provider::kx_group::X25519MLKEM768,
    };
    let suites = vec![provider::cipher_suite::TLS13_AES_128_GCM_SHA256];
    Ok(Arc::new(CryptoProvider { cipher_suites: suites, kx_groups: vec![group], ..provider::default_provider() }))
}

fn endpoint(addr: SocketAddr, server: Option<ServerConfig>) -> Result<Endpoint, Error> {
    Ok(Endpoint::new(EndpointConfig::default(), server, socket(addr)?, Arc::new(TokioRuntime))?)
}

async fn serve(flags: &Flags) -> Result<(), Error> {
    let chain = CertificateDer::pem_file_iter(flags.path("cert")?)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(flags.path("key")?)?;
    let mut tls = rustls::ServerConfig::builder_with_provider(crypto(flags)?)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = u32::MAX;
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport(flags)?);
    let endpoint = endpoint(flags.addr()?, Some(config))?;
    eprintln!("listening at {}", endpoint.local_addr()?);
    while let Some(incoming) = endpoint.accept().await {
        tokio::task::spawn_local(serve_one(incoming));
    }
    Ok(())
}

async fn serve_one(incoming: quinn::Incoming) -> Option<()> {
    let connection = match incoming.accept().ok()?.into_0rtt() {
        Ok((connection, _)) => connection,
        Err(connecting) => connecting.await.ok()?,
    };
    while let Ok((send, receive)) = connection.accept_bi().await {
        tokio::task::spawn_local(answer(Peer(connection.clone()), Both { send, receive }));
    }
    Some(())
}

struct Both {
    send: SendStream,
    receive: RecvStream,
}

impl Stream for Both {
    async fn read(&mut self) -> Result<Vec<u8>, Error> {
        Ok(self.receive.read_to_end(ROUND_BYTES).await?)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        Ok(self.send.write_chunk(bytes).await?)
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(self.send.finish()?)
    }

    fn reset(&mut self) {
        let _ = self.send.reset(VarInt::from_u32(1));
    }
}

#[derive(Clone)]
struct Peer(quinn::Connection);

impl Datagrams for Peer {
    async fn send(&self, payload: &Bytes) -> Result<u64, Error> {
        self.0.send_datagram_wait(payload.clone()).await?;
        Ok(1)
    }
}

impl Receive for RecvStream {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.read_chunk(usize::MAX, true).await?.map(|chunk| chunk.bytes))
    }
}

impl Connection for Peer {
    type Receive = RecvStream;

    async fn ask(&self, request: Bytes) -> Result<RecvStream, Error> {
        let (mut send, receive) = self.0.open_bi().await?;
        send.write_chunk(request).await?;
        send.finish()?;
        Ok(receive)
    }

    async fn datagrams(&self) -> Result<u64, Error> {
        Ok(u64::from(self.0.read_datagram().await?.len() == DATAGRAM_BYTES))
    }

    fn packets(&self) -> (u64, u64) {
        let stats = self.0.stats();
        (stats.udp_rx.datagrams, stats.udp_tx.datagrams)
    }

    fn close(&self) {
        self.0.close(VarInt::from_u32(0), b"");
    }
}

struct Quinn {
    endpoint: Endpoint,
    remote: SocketAddr,
    tickets: Arc<Tickets>,
}

impl Quinn {
    fn new(flags: &Flags) -> Result<Quinn, Error> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(flags.path("ca")?)? {
            roots.add(certificate?)?;
        }
        let mut tls = rustls::ClientConfig::builder_with_provider(crypto(flags)?)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tickets = Arc::new(Tickets::default());
        tls.alpn_protocols = vec![ALPN.to_vec()];
        tls.enable_early_data = flags.mode()? == Mode::Early;
        tls.resumption = match flags.mode()? {
            Mode::Full => Resumption::disabled(),
            _ => Resumption::store(tickets.clone()),
        };
        let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
        config.transport_config(transport(flags)?);
        let remote = flags.addr()?;
        let mut endpoint = endpoint(any_port(remote), None)?;
        endpoint.set_default_client_config(config);
        Ok(Quinn { endpoint, remote, tickets })
    }
}

impl Client for Quinn {
    type Connection = Peer;

    async fn connect(&self) -> Result<Peer, Error> {
        Ok(Peer(self.endpoint.connect(self.remote, SERVER_NAME)?.await?))
    }

    async fn handshake(&self, mode: Mode) -> Result<Handshake<Peer>, Error> {
        let taken = self.tickets.taken();
        let connecting = self.endpoint.connect(self.remote, SERVER_NAME)?;
        // quinn does not tell whether a session was resumed; its first flight is made by now, and no server here refuses.
        let resumed = self.tickets.taken() > taken;
        let (connection, accepted) = match if mode == Mode::Early { connecting.into_0rtt() } else { Err(connecting) } {
            Ok((connection, accepted)) => (Peer(connection), Some(accepted)),
            Err(connecting) => (Peer(connecting.await?), None),
        };
        let early = match accepted {
            Some(accepted) => {
                let mut answer = connection.ask(request(b'D', 1, REQUEST_BYTES)).await?;
                while answer.chunk().await?.is_some() {}
                accepted.await
            }
            None => false,
        };
        if mode != Mode::Full {
            self.tickets.one_left().await;
        }
        Ok(Handshake { connection, early, resumed })
    }
}

fn main() -> Result<(), Error> {
    let (role, flags) = Flags::read()?;
    on_one_thread(async {
        if role == "server" {
            return serve(&flags).await;
        }
        let client = Quinn::new(&flags)?;
        let endpoint = client.endpoint.clone();
        measure(client, &flags).await?;
        endpoint.wait_idle().await;
        Ok(())
    })
}
