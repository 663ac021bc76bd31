//! TLS tickets in memory, with a count of those that were used and a way to wait for one.

use rustls::{
    NamedGroup,
    client::{ClientSessionMemoryCache, ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue},
};
use rustls_pki_types::ServerName;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::sync::Notify;

/// What rustls keeps of one server's.
const KEPT: u64 = 8;

#[derive(Debug)]
pub struct Tickets {
    kept: ClientSessionMemoryCache,
    taken: AtomicU64,
    left: AtomicU64,
    added: Notify,
}

impl Default for Tickets {
    fn default() -> Self {
        Tickets {
            kept: ClientSessionMemoryCache::new(64),
            taken: AtomicU64::new(0),
            left: AtomicU64::new(0),
            added: Notify::new(),
        }
    }
}

impl Tickets {
    pub fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// There is one that was not used.
    pub async fn one_left(&self) {
        while self.left.load(Relaxed) == 0 {
            self.added.notified().await;
        }
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.kept.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.kept.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.kept.insert_tls13_ticket(server, value);
        self.left.store(KEPT.min(self.left.load(Relaxed) + 1), Relaxed);
        self.added.notify_waiters();
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        let ticket = self.kept.take_tls13_ticket(server);
        if ticket.is_some() {
            self.taken.fetch_add(1, Relaxed);
            self.left.fetch_sub(1, Relaxed);
        }
        ticket
    }
}
