//! `quic-perf` on s2n-quic, with its default TLS, s2n-tls. It resumes no sessions.

#[path = "../../shared/answer.rs"]
mod answer;
#[path = "../../shared/common.rs"]
mod common;
#[path = "../../shared/measure.rs"]
mod measure;
mod datagrams;
mod packets;

use answer::{Stream, answer};
use bytes::Bytes;
use common::*;
use measure::{Client, Connection, Handshake, Receive, measure, on_one_thread};
use s2n_quic::{
    application,
    connection::Handle,
    provider::{io::tokio as io, limits::Limits, tls::default as tls},
    stream::{BidirectionalStream, ReceiveStream},
};
use s2n_tls::security::Policy;
use std::net::SocketAddr;

/// A full packet on a link of 1500 bytes, and one that carries a DATAGRAM of 1200 from the first on (IP and UDP included).
const MTU: u16 = 1500;
const INITIAL_MTU: u16 = 1308;
/// Security policies with AES-128-GCM first: X25519 first of all, and X25519MLKEM768 first of all.
const X25519: &str = "20240603";
const X25519_MLKEM768: &str = "20250721";

fn limits() -> Result<Limits, Error> {
    Ok(Limits::new()
        .with_data_window(CONNECTION_WINDOW.into())?
        .with_bidirectional_local_data_window(STREAM_WINDOW.into())?
        .with_bidirectional_remote_data_window(STREAM_WINDOW.into())?
        .with_max_send_buffer_size(STREAM_WINDOW)?
        .with_max_open_local_bidirectional_streams(STREAMS.into())?
        .with_max_open_remote_bidirectional_streams(STREAMS.into())?
        .with_max_idle_timeout(IDLE)?)
}

fn network(addr: SocketAddr) -> Result<io::Provider, Error> {
    Ok(io::Builder::default()
        .with_rx_socket(socket(addr)?)?
        .with_max_mtu(MTU)?
        .with_initial_mtu(INITIAL_MTU)?
        .build()?)
}

fn policy(flags: &Flags) -> Result<Policy, Error> {
    Ok(Policy::from_version(match flags.group()? {
        Group::X25519 => X25519,
        Group::X25519MlKem768 => X25519_MLKEM768,
    })?)
}

async fn serve(flags: &Flags) -> Result<(), Error> {
    let mut tls = tls::Server::builder()
        .with_application_protocols([ALPN])?
        .with_certificate(flags.path("cert")?.as_path(), flags.path("key")?.as_path())?;
    tls.config_mut().set_security_policy(&policy(flags)?)?;
    let mut server = s2n_quic::Server::builder()
        .with_tls(tls.build()?)?
        .with_limits(limits()?)?
        .with_datagram(datagrams::endpoint()?)?
        .with_io(network(flags.addr()?)?)?
        .start()?;
    eprintln!("listening at {}", server.local_addr()?);
    while let Some(connection) = server.accept().await {
        tokio::task::spawn_local(async move {
            let (handle, mut streams) = connection.split();
            while let Ok(Some(stream)) = streams.accept_bidirectional_stream().await {
                tokio::task::spawn_local(answer(Peer(handle.clone()), stream));
            }
        });
    }
    Ok(())
}

impl Stream for BidirectionalStream {
    async fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut all = vec![];
        while let Some(bytes) = self.receive().await? {
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        Ok(self.send(bytes).await?)
    }

    fn finish(&mut self) -> Result<(), Error> {
        Ok(BidirectionalStream::finish(self)?)
    }

    fn reset(&mut self) {
        let _ = BidirectionalStream::reset(self, application::Error::new(1).unwrap());
    }
}

#[derive(Clone)]
struct Peer(Handle);

impl Receive for ReceiveStream {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.receive().await?)
    }
}

impl Connection for Peer {
    type Receive = ReceiveStream;

    async fn ask(&self, request: Bytes) -> Result<ReceiveStream, Error> {
        let (receive, mut send) = self.0.clone().open_bidirectional_stream().await?.split();
        send.send(request).await?;
        send.finish()?;
        Ok(receive)
    }

    async fn datagrams(&self) -> Result<u64, Error> {
        datagrams::receive(&self.0).await
    }

    fn packets(&self) -> (u64, u64) {
        packets::counted()
    }

    fn close(&self) {
        self.0.close(application::Error::UNKNOWN);
    }
}

struct S2n {
    client: s2n_quic::Client,
    remote: SocketAddr,
}

impl S2n {
    fn new(flags: &Flags) -> Result<S2n, Error> {
        if flags.mode()? != Mode::Full {
            return Err("s2n-quic resumes no sessions: -mode is full".into());
        }
        let mut tls = tls::Client::builder()
            .with_application_protocols([ALPN])?
            .with_empty_trust_store()?
            .with_certificate(flags.path("ca")?.as_path())?;
        tls.config_mut().set_security_policy(&policy(flags)?)?;
        let remote = flags.addr()?;
        let client = s2n_quic::Client::builder()
            .with_tls(tls.build()?)?
            .with_limits(limits()?)?
            .with_datagram(datagrams::endpoint()?)?
            .with_event(packets::Counter)?
            .with_io(network(any_port(remote))?)?
            .start()?;
        Ok(S2n { client, remote })
    }
}

impl Client for S2n {
    type Connection = Peer;

    async fn connect(&self) -> Result<Peer, Error> {
        let connect = s2n_quic::client::Connect::new(self.remote).with_server_name(SERVER_NAME);
        Ok(Peer(self.client.connect(connect).await?.handle()))
    }

    async fn handshake(&self, _: Mode) -> Result<Handshake<Peer>, Error> {
        Ok(Handshake { connection: self.connect().await?, early: false, resumed: false })
    }
}

fn main() -> Result<(), Error> {
    let (role, flags) = Flags::read()?;
    on_one_thread(async {
        if role == "server" {
            return serve(&flags).await;
        }
        let client = S2n::new(&flags)?;
        let mut endpoint = client.client.clone();
        measure(client, &flags).await?;
        Ok(endpoint.wait_idle().await?)
    })
}
