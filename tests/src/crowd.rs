//! Many connections at once, from many addresses of this machine.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

/// How many connections are opened at a time.
const AT_ONCE: usize = 256;
/// How many come from one address: the system gives out so many ports.
const AN_ADDRESS: usize = 20_000;
/// How long one may wait for a connection: a second try of the kernel's comes after one second.
const PATIENCE: Duration = Duration::from_secs(4);

/// Connections that somebody opened and does nothing more with.
pub struct Crowd(Vec<TcpStream>);

impl Crowd {
    /// Opens so many connections, and says the same on each, which may be nothing. Those that do not come about are left
    /// out.
    pub async fn gather(to: SocketAddr, count: usize, say: &'static [u8]) -> Self {
        let (turns, mut opening) = (std::sync::Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
        let mut open = Vec::new();
        for number in 0..count {
            let turn = std::sync::Arc::clone(&turns).acquire_owned().await;
            opening.spawn(async move {
                let _turn = turn;
                let mut stream = timeout(PATIENCE, connect(to, number)).await.ok()??;
                stream.write_all(say).await.ok()?;
                Some(stream)
            });
            while let Some(opened) = opening.try_join_next() {
                open.extend(opened.ok().flatten());
            }
        }
        while let Some(opened) = opening.join_next().await {
            open.extend(opened.ok().flatten());
        }
        Self(open)
    }

    /// How many came about.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none did.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many have not been closed by the other side.
    pub async fn still_open(&self) -> usize {
        // What came in is known once the rest of the runtime has had its turn.
        sleep(Duration::from_millis(500)).await;
        self.0.iter().filter(|stream| is_open(stream)).count()
    }
}

fn is_open(stream: &TcpStream) -> bool {
    loop {
        match stream.try_read(&mut [0; 1_024]) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

async fn connect(to: SocketAddr, number: usize) -> Option<TcpStream> {
    let host = u8::try_from(10 + number / AN_ADDRESS).ok()?;
    let socket = TcpSocket::new_v4().ok()?;
    socket
        .bind((Ipv4Addr::new(127, 0, 0, host), 0).into())
        .ok()?;
    socket.connect(to).await.ok()
}
