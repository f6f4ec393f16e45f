//! As much of MySQL's protocol as it takes to tell packets apart (dev.mysql.com, "Client/Server Protocol").

/// What begins a packet: its length in three bytes, and its number within the exchange.
const HEADER: usize = 4;
const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;

/// The packets that a client sends on one connection.
#[derive(Default)]
pub(super) struct Packets {
    /// What was read, and belongs to no whole packet yet.
    pub(super) bytes: Vec<u8>,
    /// Whether a transaction is open.
    pub(super) in_transaction: bool,
}

impl Packets {
    /// The next whole packet, header included.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        let length = self.bytes.get(..3)?;
        let length =
            usize::from(length[0]) | usize::from(length[1]) << 8 | usize::from(length[2]) << 16;
        let rest =
            (self.bytes.len() >= HEADER + length).then(|| self.bytes.split_off(HEADER + length))?;
        Some(std::mem::replace(&mut self.bytes, rest))
    }

    /// Notes what a packet begins or ends.
    pub(super) fn follow(&mut self, packet: &[u8]) {
        match query(packet) {
            Some(b"BEGIN") => self.in_transaction = true,
            Some(b"COMMIT" | b"ROLLBACK") => self.in_transaction = false,
            _ => {}
        }
    }
}

/// Whether the server may make something lasting of a packet.
pub(super) fn begins_to_matter(packet: &[u8], in_transaction: bool) -> bool {
    matches!(query(packet), Some(b"COMMIT"))
        || (command(packet) == Some(EXECUTE) && !in_transaction)
}

/// What a packet is, for people.
pub(super) fn told(packet: &[u8]) -> String {
    let text = String::from_utf8_lossy(packet.get(HEADER + 1..).unwrap_or_default());
    match command(packet) {
        Some(QUERY) => text.into_owned(),
        Some(PREPARE) => format!("prepare {text}"),
        Some(EXECUTE) => "execute".to_owned(),
        Some(other) => format!("command {other}"),
        None => "a greeting".to_owned(),
    }
}

/// The command of a packet that begins an exchange.
fn command(packet: &[u8]) -> Option<u8> {
    let number = *packet.get(HEADER - 1)?;
    (number == 0).then(|| packet.get(HEADER).copied())?
}

fn query(packet: &[u8]) -> Option<&[u8]> {
    (command(packet)? == QUERY).then(|| packet.get(HEADER + 1..))?
}
