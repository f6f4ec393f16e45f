//! What a running program takes of the machine (proc(5)).

use super::Process;
use std::{fs, time::Duration};

impl Process {
    /// The most memory that it has held so far, or since [`Process::reset_peak`], in MiB.
    ///
    /// # Panics
    /// When it is gone already.
    #[must_use]
    pub fn peak_mib(&self) -> u64 {
        self.status("VmHWM:") / 1024
    }

    /// The memory that it holds now, in MiB.
    ///
    /// # Panics
    /// When it is gone already.
    #[must_use]
    pub fn memory_mib(&self) -> u64 {
        self.status("VmRSS:") / 1024
    }

    /// Lets [`Process::peak_mib`] begin anew (proc(5), clear_refs).
    ///
    /// # Panics
    /// When it is gone already.
    pub fn reset_peak(&self) {
        let file = format!("/proc/{}/clear_refs", self.id());
        fs::write(file, "5").expect("ours to write");
    }

    /// What it has taken of processors so far.
    ///
    /// # Panics
    /// When it is gone already.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("Linux");
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let times = fields.split(' ').skip(11).take(2);
        // A hundred ticks are a second wherever Linux runs for people (proc(5), USER_HZ).
        let ticks: u64 = times
            .map(|time| time.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// A number of proc(5)'s status, in KiB.
    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.expect("a figure")
    }

    fn id(&self) -> u32 {
        self.child.id().expect("running")
    }
}
