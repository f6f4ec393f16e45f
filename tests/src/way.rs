//! A way to a MySQL server that breaks at the packet it is told to, or everywhere.

mod packets;

use packets::{Packets, begins_to_matter, told};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// What can happen at a packet on its way to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The connection is cut before it.
    Cut,
    /// It arrives and is obeyed; the connection is cut before the answer.
    LostAnswer,
    /// From it on nothing passes on this connection, which stays open, as after a failover.
    Silence,
    /// It arrives and is obeyed; from the answer on nothing passes on this connection, which stays open.
    SilentAnswer,
    /// The server dies before it: all connections are cut, and further ones refused.
    Death,
    /// The server is stuck before it: all connections stay open, and nothing passes until it goes on.
    Stuck,
}

/// How the way is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    /// How often its connections were silenced.
    Open(u32),
    Dead,
    Stuck,
}

/// A way to a server. Dropped, it leads nowhere.
pub struct Way {
    told: Arc<Told>,
    database: String,
    address: SocketAddr,
}

struct Told {
    server: String,
    whole: watch::Sender<Whole>,
    /// How often its connections were silenced.
    silenced: AtomicU32,
    /// How many packets went to the server, those that broke included.
    packets: AtomicUsize,
    rule: Mutex<Option<(usize, Break)>>,
    /// What broke, as far as something did.
    broken: Mutex<Option<Broken>>,
}

/// A packet at which the way broke.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What it was, for people.
    pub packet: String,
    /// Whether the server may have made something lasting of it: a commit, or a statement of no transaction.
    pub lasting: bool,
}

impl Way {
    /// Leads to the server of a database's address.
    ///
    /// # Panics
    /// When that is not on this machine.
    pub async fn to(url: &str) -> Self {
        let (_, rest) = url.split_once("127.0.0.1:").expect("on this machine");
        let (port, database) = rest.split_once('/').expect("a database");
        let database = database.split('?').next().unwrap_or_default().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let told = Arc::new(Told {
            server: format!("127.0.0.1:{port}"),
            whole: watch::Sender::new(Whole::Open(0)),
            silenced: AtomicU32::new(0),
            packets: AtomicUsize::new(0),
            rule: Mutex::default(),
            broken: Mutex::default(),
        });
        tokio::spawn(listen(listener, address, Arc::clone(&told)));
        Self {
            told,
            database,
            address,
        }
    }

    /// The database's address by this way. Packets are not encrypted: they are counted.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "mysql://root@{}/{}?ssl-mode=DISABLED",
            self.address, self.database
        )
    }

    /// Lets it break at the `nth` packet from now on, from 1.
    pub fn break_at(&self, nth: usize, fault: Break) {
        self.told.packets.store(0, Ordering::SeqCst);
        *locked(&self.told.broken) = None;
        *locked(&self.told.rule) = Some((nth, fault));
    }

    /// How many packets came since it was made, or told to break.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.told.packets.load(Ordering::SeqCst)
    }

    /// The packet at which it broke, if it did.
    #[must_use]
    pub fn broken(&self) -> Option<Broken> {
        locked(&self.told.broken).clone()
    }

    /// Mends it: nothing breaks any more, and the server is there. What was silent stays so.
    pub fn heal(&self) {
        *locked(&self.told.rule) = None;
        self.told.open();
    }

    /// Silences every connection that is open now. Further ones are well.
    pub fn silence(&self) {
        self.told.silenced.fetch_add(1, Ordering::SeqCst);
        self.told.open();
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.told.whole.send_replace(Whole::Dead);
    }
}

impl Told {
    fn open(&self) {
        let open = Whole::Open(self.silenced.load(Ordering::SeqCst));
        self.whole.send_replace(open);
    }

    /// What shall happen at the packet that comes now.
    fn next(&self, packet: &[u8], in_transaction: bool) -> Option<Break> {
        let number = self.packets.fetch_add(1, Ordering::SeqCst) + 1;
        let mut rule = locked(&self.rule);
        let (_, fault) = rule.take_if(|(nth, _)| *nth == number)?;
        *locked(&self.broken) = Some(Broken {
            packet: told(packet),
            lasting: begins_to_matter(packet, in_transaction),
        });
        Some(fault)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes connections while the server is there.
async fn listen(listener: TcpListener, address: SocketAddr, told: Arc<Told>) {
    let (mut listener, mut whole) = (Some(listener), told.whole.subscribe());
    loop {
        let now = *whole.borrow_and_update();
        match (&listener, now) {
            (Some(open), Whole::Open(_) | Whole::Stuck) => tokio::select! {
                accepted = open.accept() => {
                    let Ok((client, _)) = accepted else { continue };
                    let told = Arc::clone(&told);
                    // An error is a connection that one of the two ended, which is what this is for.
                    tokio::spawn(async move { pass(client, &told).await });
                }
                changed = whole.changed() => if changed.is_err() { return },
            },
            (Some(_), Whole::Dead) => listener = None,
            (None, Whole::Dead) => {
                if whole.changed().await.is_err() {
                    return;
                }
            }
            (None, _) => match TcpListener::bind(address).await {
                Ok(bound) => listener = Some(bound),
                Err(_) => sleep(Duration::from_millis(5)).await,
            },
        }
    }
}

/// Passes packets on until the way breaks.
async fn pass(mut client: TcpStream, told: &Told) -> io::Result<()> {
    let mut whole = told.whole.subscribe();
    let Some(own) = going_on(&mut whole).await else {
        return Ok(());
    };
    let mut server = TcpStream::connect(&told.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut packets, mut answer) = (Packets::default(), vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            _ = whole.changed() => match going_on(&mut whole).await {
                None => return Ok(()),
                Some(silenced) if silenced != own => return hold(client, &mut whole).await,
                Some(_) => {}
            },
            read = server.read(&mut answer) => match read? {
                0 => return Ok(()),
                read => client.write_all(&answer[..read]).await?,
            },
            read = client.read_buf(&mut packets.bytes) => {
                if read? == 0 {
                    return Ok(());
                }
                while let Some(packet) = packets.next() {
                    let fault = told.next(&packet, packets.in_transaction);
                    packets.follow(&packet);
                    match fault {
                        None => server.write_all(&packet).await?,
                        Some(Break::Cut) => return Ok(()),
                        Some(Break::LostAnswer) => {
                            server.write_all(&packet).await?;
                            answered(&mut server).await?;
                            return Ok(());
                        }
                        Some(Break::Silence) => return hold(client, &mut whole).await,
                        Some(Break::SilentAnswer) => {
                            server.write_all(&packet).await?;
                            answered(&mut server).await?;
                            return hold(client, &mut whole).await;
                        }
                        Some(Break::Death) => {
                            told.whole.send_replace(Whole::Dead);
                            return Ok(());
                        }
                        Some(Break::Stuck) => {
                            told.whole.send_replace(Whole::Stuck);
                            if going_on(&mut whole).await != Some(own) {
                                return Ok(());
                            }
                            server.write_all(&packet).await?;
                        }
                    }
                }
            }
        }
    }
}

/// Waits until the server begins to answer, or hangs up.
async fn answered(server: &mut TcpStream) -> io::Result<()> {
    server.read(&mut [0]).await.map(drop)
}

/// Waits while the server is stuck; gives how often connections were silenced by then, nothing when it is dead.
async fn going_on(whole: &mut watch::Receiver<Whole>) -> Option<u32> {
    let went_on = whole.wait_for(|whole| *whole != Whole::Stuck).await;
    match *went_on.ok()? {
        Whole::Open(silenced) => Some(silenced),
        Whole::Dead | Whole::Stuck => None,
    }
}

/// Keeps a connection that nothing passes on, until its client hangs up or the server dies.
async fn hold(mut client: TcpStream, whole: &mut watch::Receiver<Whole>) -> io::Result<()> {
    let mut unread = tokio::io::sink();
    tokio::select! {
        _ = whole.wait_for(|whole| *whole == Whole::Dead) => {}
        _ = tokio::io::copy(&mut client, &mut unread) => {}
    }
    Ok(())
}
