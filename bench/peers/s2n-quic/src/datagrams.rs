//! DATAGRAMs through queues that hold so many and no more.

use crate::{
    Peer,
    answer::{DATAGRAM_BYTES, Datagrams},
    common::Error,
};
use bytes::Bytes;
use s2n_quic::{
    connection::Handle,
    provider::datagram::default::{Endpoint, Receiver, Sender},
};
use std::{
    future::poll_fn,
    task::{Context, Poll},
};

/// Four megabytes to be read, one to be sent, as the other programs have them.
const RECEIVED: usize = 4096;
const TO_SEND: usize = 1024;

pub fn endpoint() -> Result<Endpoint, Error> {
    Ok(Endpoint::builder().with_recv_capacity(RECEIVED)?.with_send_capacity(TO_SEND)?.build()?)
}

/// What came or went in one turn; who has nothing for it is woken.
fn turn(mut one: impl FnMut(&mut Context) -> Poll<Result<u64, Error>>, context: &mut Context) -> Poll<Result<u64, Error>> {
    let mut count = 0;
    loop {
        match one(context) {
            Poll::Ready(Ok(more)) => count += more,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending if count > 0 => return Poll::Ready(Ok(count)),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// How many full-size ones have come.
pub async fn receive(handle: &Handle) -> Result<u64, Error> {
    poll_fn(|context| {
        handle.datagram_mut(|receiver: &mut Receiver| {
            let one = |context: &mut Context| {
                receiver
                    .poll_recv_datagram(context)
                    .map(|result| result.map(|bytes| u64::from(bytes.len() == DATAGRAM_BYTES)).map_err(in_words))
            };
            turn(one, context)
        })?
    })
    .await
}

impl Datagrams for Peer {
    async fn send(&self, payload: &Bytes) -> Result<u64, Error> {
        poll_fn(|context| {
            self.0.datagram_mut(|sender: &mut Sender| {
                let one = |context: &mut Context| {
                    sender.poll_send_datagram(&mut payload.clone(), context).map(|result| result.map(|()| 1).map_err(in_words))
                };
                turn(one, context)
            })?
        })
        .await
    }
}

fn in_words(error: impl std::fmt::Display) -> Error {
    error.to_string().into()
}
