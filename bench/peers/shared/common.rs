//! Flags and figures of both programs, in the form of `cloudbridge quic-perf`.

use std::{collections::HashMap, net::SocketAddr, net::UdpSocket, os::fd::AsRawFd, path::PathBuf, time::Duration};

pub const ALPN: &[u8] = b"perf";
pub const SERVER_NAME: &str = "perf.test";
pub const IDLE: Duration = Duration::from_secs(600);
/// As many as are wanted at once and some: quinn keeps a place for each that it allows.
pub const STREAMS: u32 = 256;
pub const STREAM_WINDOW: u32 = 16 << 20;
pub const CONNECTION_WINDOW: u32 = 24 << 20;
static SOCKET_BYTES: libc::c_int = 8 << 20;

pub type Error = Box<dyn std::error::Error + Send + Sync>;

pub struct Flags(HashMap<String, String>);

impl Flags {
    /// `server|client` and its flags, with one dash or two.
    pub fn read() -> Result<(String, Flags), Error> {
        let mut words = std::env::args().skip(1);
        let role = words.next().ok_or("usage: server|client -addr A:P …")?;
        let mut flags = HashMap::new();
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
            flags.insert(name.trim_start_matches('-').to_owned(), value);
        }
        Ok((role, Flags(flags)))
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        self.text(name).map(|text| text.parse().map_err(|_| format!("-{name} takes a number").into())).transpose()
    }

    pub fn count(&self, name: &str, otherwise: u64) -> Result<u64, Error> {
        Ok(self.number(name)?.map_or(otherwise, |value| value as u64))
    }

    pub fn addr(&self) -> Result<SocketAddr, Error> {
        Ok(self.text("addr").ok_or("-addr A:P is missing")?.parse()?)
    }

    pub fn path(&self, name: &str) -> Result<PathBuf, Error> {
        Ok(self.text(name).ok_or_else(|| format!("-{name} F is missing"))?.into())
    }

    pub fn mode(&self) -> Result<Mode, Error> {
        match self.text("mode") {
            None | Some("full") => Ok(Mode::Full),
            Some("resumed") => Ok(Mode::Resumed),
            Some("0rtt") => Ok(Mode::Early),
            Some(other) => Err(format!("-mode is one of full, resumed, 0rtt, not {other}").into()),
        }
    }

    pub fn group(&self) -> Result<Group, Error> {
        match self.text("groups") {
            None | Some("x25519") => Ok(Group::X25519),
            Some("x25519mlkem768") => Ok(Group::X25519MlKem768),
            Some(other) => Err(format!("-groups is one of x25519, x25519mlkem768, not {other}").into()),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    Full,
    Resumed,
    Early,
}

#[derive(Clone, Copy)]
pub enum Group {
    X25519,
    X25519MlKem768,
}

/// A client's socket has any port of that family.
pub fn any_port(remote: SocketAddr) -> SocketAddr {
    if remote.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" }.parse().unwrap()
}

pub fn socket(addr: SocketAddr) -> Result<UdpSocket, Error> {
    let socket = UdpSocket::bind(addr)?;
    for option in [libc::SO_RCVBUFFORCE, libc::SO_SNDBUFFORCE] {
        let size = size_of_val(&SOCKET_BYTES) as libc::socklen_t;
        unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const SOCKET_BYTES).cast(), size) };
    }
    Ok(socket)
}

/// User and system time of this process, in seconds.
pub fn cpu_seconds() -> f64 {
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

pub fn print(figures: &[(&'static str, f64)]) {
    let parts: Vec<String> = figures.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    println!("{{{}}}", parts.join(","));
}
