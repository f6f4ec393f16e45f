//! What stands between a program and the emulator: it passes requests on, or breaks them.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

/// What a slow storage takes before it does anything.
const SLOW: Duration = Duration::from_secs(2);

/// What passes of a body before it is cut: a little more than an upload's description of its object.
const CUT: usize = 500;

/// What can happen to a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status instead of being passed on.
    Status(u16),
    /// It is passed on two seconds later.
    Slow,
    /// It is taken in and never answered.
    Silence,
    /// The connection is cut in the middle of its body.
    CutUpload,
    /// It is passed on; the connection is cut in the middle of the answer's body.
    CutDownload,
    /// It is passed on and done; the connection is cut before the answer.
    LostAnswer,
    /// It is passed on, and the answer's last byte is another.
    Flipped,
}

/// A fault that is still to happen.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) fault: Fault,
    /// How many such requests are well before.
    pub(super) skip: usize,
    pub(super) method: &'static str,
    pub(super) target: &'static str,
    pub(super) times: usize,
}

/// What the proxy was told to break, and what it has seen.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) rules: Mutex<Vec<Rule>>,
    pub(super) uploads: Mutex<Vec<String>>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one request, lets happen to it what was told, and ends the connection.
pub(super) async fn pass(mut client: TcpStream, server: SocketAddr, told: &Told) -> io::Result<()> {
    let (head, mut body) = read_head(&mut client).await?;
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let fault = next_fault(&told.rules, method, target);
    match fault {
        Some(Fault::Status(status)) => {
            let answer = format!(
                "HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            return drain(client).await;
        }
        Some(Fault::Silence) => return drain(client).await,
        Some(Fault::Slow) => sleep(SLOW).await,
        _ => {}
    }
    let mut server = TcpStream::connect(server).await?;
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await?;
    if target.starts_with("/upload/") {
        while body.len() < CUT && client.read_buf(&mut body).await? > 0 {}
        if fault == Some(Fault::CutUpload) {
            return server.write_all(&body[..CUT.min(body.len())]).await;
        }
        let begin = String::from_utf8_lossy(&body[..CUT.min(body.len())]);
        locked(&told.uploads).push(format!("{target}\n{begin}"));
    }
    server.write_all(&body).await?;
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let mut answer = Vec::new();
        match fault {
            None | Some(Fault::Slow) => tokio::io::copy(&mut from_server, &mut to_client)
                .await
                .map(drop),
            Some(Fault::LostAnswer) => from_server.read_to_end(&mut answer).await.map(drop),
            Some(fault) => {
                from_server.read_to_end(&mut answer).await?;
                let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
                let body = head.unwrap_or(0) + 4;
                match fault {
                    Fault::CutDownload => answer.truncate((body + CUT).min(answer.len() - 1)),
                    _ => *answer.last_mut().expect("an answer") ^= 1,
                }
                to_client.write_all(&answer).await
            }
        }
    };
    tokio::pin!(down);
    tokio::select! {
        done = &mut down => done,
        // The client has sent everything, or is gone.
        _ = up => down.await,
    }
}

/// The head of a request, to the empty line, and what came behind it.
async fn read_head(client: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            let head = String::from_utf8(bytes).map_err(io::Error::other)?;
            return Ok((head, body));
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn next_fault(rules: &Mutex<Vec<Rule>>, method: &str, target: &str) -> Option<Fault> {
    let mut rules = locked(rules);
    let rule = rules.iter_mut().find(|rule| {
        let meant = rule.method.is_empty() || rule.method == method;
        rule.times > 0 && meant && target.contains(rule.target)
    })?;
    if rule.skip > 0 {
        rule.skip -= 1;
        return None;
    }
    rule.times -= 1;
    Some(rule.fault)
}

/// Reads what still comes, until the other side ends.
async fn drain(mut client: TcpStream) -> io::Result<()> {
    tokio::io::copy(&mut client, &mut tokio::io::sink())
        .await
        .map(drop)
}
