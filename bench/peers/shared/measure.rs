//! The client's side: `-test bulk|dgram|hs|idle|rr`, each of which prints one JSON object.

use crate::{answer::*, common::*};
use bytes::Bytes;
use std::{cell::Cell, cell::RefCell, future::Future, rc::Rc, time::Duration, time::Instant};
use tokio::task::{JoinSet, spawn_local};

/// What is still under way may arrive after the count.
const GRACE: Duration = Duration::from_millis(500);

pub trait Receive: 'static {
    /// The next bytes, or none at the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, Error>;
}

pub trait Connection: Clone + 'static {
    type Receive: Receive;
    async fn ask(&self, request: Bytes) -> Result<Self::Receive, Error>;
    /// How many full-size DATAGRAMs have come meanwhile; an error when the connection is over.
    async fn datagrams(&self) -> Result<u64, Error>;
    /// QUIC packets received and sent so far.
    fn packets(&self) -> (u64, u64);
    fn close(&self);
}

pub struct Handshake<C> {
    pub connection: C,
    pub early: bool,
    pub resumed: bool,
}

pub trait Client: 'static {
    type Connection: Connection;
    async fn connect(&self) -> Result<Self::Connection, Error>;
    /// A connection that has told what its handshake was, and with `Resumed` and `Early` has a new ticket.
    async fn handshake(&self, mode: Mode) -> Result<Handshake<Self::Connection>, Error>;
}

pub fn request(command: u8, value: u64, size: usize) -> Bytes {
    let mut request = vec![0; size];
    request[0] = command;
    request[1..REQUEST_BYTES].copy_from_slice(&value.to_be_bytes());
    request.into()
}

async fn drain(receive: &mut impl Receive, each: impl Fn(&[u8])) -> Result<(), Error> {
    while let Some(bytes) = receive.chunk().await? {
        each(&bytes);
    }
    Ok(())
}

async fn all(mut tasks: JoinSet<Result<(), Error>>) -> Result<(), Error> {
    while let Some(result) = tasks.join_next().await {
        result??;
    }
    Ok(())
}

/// Runs `work` so many times at once, until the count is reached or the time is over. Resolves to the seconds it took.
async fn repeat<F, W>(flags: &Flags, seconds: Option<f64>, work: W) -> Result<f64, Error>
where
    F: Future<Output = Result<(), Error>> + 'static,
    W: Fn() -> F + 'static,
{
    let left = Rc::new(Cell::new(if seconds.is_some() { u64::MAX } else { flags.count("n", 1000)? }));
    let (start, work, mut lanes) = (Instant::now(), Rc::new(work), JoinSet::new());
    for _ in 0..flags.count("conc", 1)? {
        let (left, work) = (left.clone(), work.clone());
        lanes.spawn_local(async move {
            while left.get() > 0 && seconds.is_none_or(|most| start.elapsed().as_secs_f64() < most) {
                left.set(left.get() - 1);
                work().await?;
            }
            Ok(())
        });
    }
    all(lanes).await?;
    Ok(start.elapsed().as_secs_f64())
}

async fn bulk<C: Client>(client: Rc<C>, flags: &Flags) -> Result<(), Error> {
    let (streams, seconds) = (flags.count("streams", 1)?, flags.number("secs")?);
    let bytes = if seconds.is_some() { streams << 46 } else { flags.count("bytes", 1_000_000_000)? };
    let connection = client.connect().await?;
    let (before, start, cpu) = (connection.packets(), Instant::now(), cpu_seconds());
    let (total, mut tasks) = (Rc::new(Cell::new(0)), JoinSet::new());
    for stream in 0..streams {
        let share = bytes / streams + if stream == 0 { bytes % streams } else { 0 };
        let mut receive = connection.ask(request(b'D', share, REQUEST_BYTES)).await?;
        let total = total.clone();
        tasks.spawn_local(async move { drain(&mut receive, |bytes| total.set(total.get() + bytes.len() as u64)).await });
    }
    match seconds {
        None => all(tasks).await?,
        Some(seconds) => tokio::time::timeout(Duration::from_secs_f64(seconds), all(tasks)).await.unwrap_or(Ok(()))?,
    }
    let (secs, used, after) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu, connection.packets());
    connection.close();
    let bytes = total.get() as f64;
    print(&[
        ("bytes", bytes),
        ("secs", secs),
        ("gbps", bytes * 8.0 / secs / 1e9),
        ("client_cpu", used),
        ("rx_packets", (after.0 - before.0) as f64),
        ("tx_packets", (after.1 - before.1) as f64),
    ]);
    Ok(())
}

async fn datagrams<C: Client>(client: Rc<C>, flags: &Flags) -> Result<(), Error> {
    let connection = client.connect().await?;
    let milliseconds = flags.number("secs")?.unwrap_or(5.0) * 1000.0;
    let (start, cpu, received) = (Instant::now(), cpu_seconds(), Rc::new(Cell::new(0)));
    let (counter, reader) = (received.clone(), connection.clone());
    spawn_local(async move {
        while let Ok(more) = reader.datagrams().await {
            counter.set(counter.get() + more);
        }
    });
    let mut receive = connection.ask(request(b'G', milliseconds as u64, REQUEST_BYTES)).await?;
    let count = RefCell::new(vec![]);
    drain(&mut receive, |bytes| count.borrow_mut().extend_from_slice(bytes)).await?;
    let secs = start.elapsed().as_secs_f64();
    tokio::time::sleep(GRACE).await;
    let (sent, got) = (u64::from_be_bytes(count.take().as_slice().try_into()?) as f64, received.get() as f64);
    let used = cpu_seconds() - cpu;
    connection.close();
    print(&[
        ("sent", sent),
        ("received", got),
        ("secs", secs),
        ("kpps", got / secs / 1000.0),
        ("loss_pct", 100.0 * (sent - got) / sent.max(1.0)),
        ("client_cpu", used),
    ]);
    Ok(())
}

#[derive(Default)]
struct Counts {
    handshakes: Cell<u64>,
    resumed: Cell<u64>,
    early: Cell<u64>,
    failed: Cell<u64>,
}

async fn handshakes<C: Client>(client: Rc<C>, flags: &Flags) -> Result<(), Error> {
    let mode = flags.mode()?;
    if mode != Mode::Full {
        client.handshake(mode).await?.connection.close();
    }
    let (counts, cpu) = (Rc::new(Counts::default()), cpu_seconds());
    let shared = counts.clone();
    let secs = repeat(flags, flags.number("secs")?, move || {
        let (client, counts) = (client.clone(), shared.clone());
        async move {
            let add = |count: &Cell<u64>, one: bool| count.set(count.get() + u64::from(one));
            match client.handshake(mode).await {
                Ok(Handshake { connection, early, resumed }) => {
                    add(&counts.handshakes, true);
                    add(&counts.early, early);
                    add(&counts.resumed, resumed);
                    connection.close();
                }
                Err(_) => add(&counts.failed, true),
            }
            Ok(())
        }
    })
    .await?;
    let handshakes = counts.handshakes.get() as f64;
    print(&[
        ("handshakes", handshakes),
        ("secs", secs),
        ("hs_per_s", handshakes / secs),
        ("resumed", counts.resumed.get() as f64),
        ("early", counts.early.get() as f64),
        ("failed", counts.failed.get() as f64),
        ("client_cpu", cpu_seconds() - cpu),
    ]);
    Ok(())
}

async fn hold<C: Client>(client: Rc<C>, flags: &Flags) -> Result<(), Error> {
    let held = Rc::new(RefCell::new(vec![]));
    let shared = held.clone();
    let secs = repeat(flags, None, move || {
        let (client, held) = (client.clone(), shared.clone());
        async move {
            let connection = client.connect().await?;
            held.borrow_mut().push(connection);
            Ok(())
        }
    })
    .await?;
    print(&[("conns", held.borrow().len() as f64), ("secs", secs)]);
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    for connection in held.take() {
        connection.close();
    }
    Ok(())
}

async fn rounds<C: Client>(client: Rc<C>, flags: &Flags) -> Result<(), Error> {
    let connection = client.connect().await?;
    let (times, cpu) = (Rc::new(RefCell::new(vec![])), cpu_seconds());
    let (shared, asking, body) = (times.clone(), connection.clone(), request(b'R', 0, ROUND_BYTES));
    let secs = repeat(flags, flags.number("secs")?, move || {
        let (times, connection, body) = (shared.clone(), asking.clone(), body.clone());
        async move {
            let start = Instant::now();
            drain(&mut connection.ask(body).await?, |_| {}).await?;
            times.borrow_mut().push(start.elapsed().as_micros());
            Ok(())
        }
    })
    .await?;
    let used = cpu_seconds() - cpu;
    connection.close();
    let mut times = times.take();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)] as f64;
    print(&[
        ("requests", times.len() as f64),
        ("secs", secs),
        ("rps", times.len() as f64 / secs),
        ("p50_us", at(0.5)),
        ("p99_us", at(0.99)),
        ("client_cpu", used),
    ]);
    Ok(())
}

pub async fn measure<C: Client>(client: C, flags: &Flags) -> Result<(), Error> {
    let client = Rc::new(client);
    match flags.text("test").unwrap_or_default() {
        "bulk" => bulk(client, flags).await,
        "dgram" => datagrams(client, flags).await,
        "hs" => handshakes(client, flags).await,
        "idle" => hold(client, flags).await,
        "rr" => rounds(client, flags).await,
        _ => Err("-test is one of bulk, dgram, hs, idle, rr".into()),
    }
}

/// One thread for all: what is compared is a core.
pub fn on_one_thread(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
