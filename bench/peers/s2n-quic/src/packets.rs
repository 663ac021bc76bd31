//! QUIC packets of this process, counted as s2n-quic tells of them.

use s2n_quic::provider::event::{ConnectionInfo, ConnectionMeta, Subscriber, events};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

static RECEIVED: AtomicU64 = AtomicU64::new(0);
static SENT: AtomicU64 = AtomicU64::new(0);

pub struct Counter;

impl Subscriber for Counter {
    type ConnectionContext = ();

    fn create_connection_context(&mut self, _: &ConnectionMeta, _: &ConnectionInfo) {}

    fn on_packet_received(&mut self, _: &mut (), _: &ConnectionMeta, _: &events::PacketReceived) {
        RECEIVED.fetch_add(1, Relaxed);
    }

    fn on_packet_sent(&mut self, _: &mut (), _: &ConnectionMeta, _: &events::PacketSent) {
        SENT.fetch_add(1, Relaxed);
    }
}

/// Received and sent.
pub fn counted() -> (u64, u64) {
    (RECEIVED.load(Relaxed), SENT.load(Relaxed))
}
