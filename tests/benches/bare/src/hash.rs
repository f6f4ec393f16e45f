//! What one password costs: argon2id with the product's parameters and its memory used again, and nothing else.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::{
    fs,
    thread::{available_parallelism, spawn},
    time::{Duration, Instant},
};

/// Memory in KiB, passes, lanes, and the hash's length, as in functions/auth/src/password.rs.
const PARAMS: (u32, u32, u32, usize) = (19_456, 2, 1, 32);

/// Hashes for so many seconds on every processor at once, and prints the processor milliseconds of one hash.
pub(crate) fn measure(seconds: u64) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..available_parallelism()?.get())
        .map(|_| spawn(move || hashes(until)))
        .collect();
    let mut all = 0;
    for thread in threads {
        all += thread.join().expect("hashing does not panic")?;
    }
    // Hundredths of a second (proc(5), utime and stime).
    let stat = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(") ").unwrap_or_default();
    let times = fields.split(' ').skip(11).take(2);
    let ticks: u32 = times
        .map(|time| time.parse::<u32>().unwrap_or_default())
        .sum();
    println!("{:.2}", f64::from(ticks) * 10.0 / f64::from(all));
    Ok(())
}

fn hashes(until: Instant) -> anyhow::Result<u32> {
    let (memory, passes, lanes, length) = PARAMS;
    let params = Params::new(memory, passes, lanes, Some(length))?;
    let mut blocks = vec![Block::new(); params.block_count()];
    let (argon2, mut out) = (
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        [0; 32],
    );
    let mut hashes = 0;
    while Instant::now() < until {
        argon2.hash_password_into_with_memory(
            b"password",
            b"saltsaltsaltsalt",
            &mut out,
            &mut blocks,
        )?;
        hashes += 1;
    }
    Ok(hashes)
}
