//! The server's side: answers what a client asks on a stream (bench/quic-perf/request.ts).

use crate::common::Error;
use bytes::Bytes;
use std::time::{Duration, Instant};

pub const REQUEST_BYTES: usize = 9;
pub const ROUND_BYTES: usize = 1024;
pub const DATAGRAM_BYTES: usize = 1200;
const CHUNK_BYTES: usize = 1 << 18;

pub trait Stream {
    /// All that the client says.
    async fn read(&mut self) -> Result<Vec<u8>, Error>;
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error>;
    fn finish(&mut self) -> Result<(), Error>;
    fn reset(&mut self);
}

pub trait Datagrams {
    /// One or more of these; resolves to how many were taken.
    async fn send(&self, payload: &Bytes) -> Result<u64, Error>;
}

pub async fn answer(connection: impl Datagrams, mut stream: impl Stream) -> Result<(), Error> {
    let request = stream.read().await?;
    let value = match request.get(1..REQUEST_BYTES) {
        Some(bytes) => u64::from_be_bytes(bytes.try_into()?),
        None => {
            stream.reset();
            return Ok(());
        }
    };
    match request[0] {
        b'D' => {
            let chunk = Bytes::from(vec![0; CHUNK_BYTES]);
            let mut left = value;
            while left > 0 {
                let bytes = left.min(CHUNK_BYTES as u64);
                stream.write(chunk.slice(..bytes as usize)).await?;
                left -= bytes;
            }
        }
        b'R' => stream.write(Bytes::from_static(&[0; ROUND_BYTES])).await?,
        b'G' => {
            let payload = Bytes::from(vec![0; DATAGRAM_BYTES]);
            let (start, lasting, mut sent) = (Instant::now(), Duration::from_millis(value), 0);
            while start.elapsed() < lasting {
                sent += connection.send(&payload).await?;
            }
            stream.write(Bytes::copy_from_slice(&sent.to_be_bytes())).await?;
        }
        _ => {
            stream.reset();
            return Ok(());
        }
    }
    stream.finish()
}
