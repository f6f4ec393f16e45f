//! What an operator sees while something takes long.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};
use tokio::{
    pin, select,
    time::{Instant, interval_at},
};

/// After so long, a log that nobody watches is told that something is still going on; and each time after as much more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says on standard error what is being done, while it is being done: in a terminal with the time it has taken, elsewhere
/// in a line now and then.
pub(crate) async fn during<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    if io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("  {spinner} {msg} {elapsed}");
        let style = style.expect("a template that a test has read");
        let bar = ProgressBar::new_spinner()
            .with_style(style)
            .with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        let done = work.await;
        bar.finish_and_clear();
        return done;
    }
    pin!(work);
    let begun = Instant::now();
    let mut ticks = interval_at(begun + PATIENCE, PATIENCE);
    loop {
        select! {
            done = &mut work => return done,
            now = ticks.tick() => eprintln!("{what}, for {} s so far", now.duration_since(begun).as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_is_answered() {
        assert!(ProgressStyle::with_template("  {spinner} {msg} {elapsed}").is_ok());
        assert_eq!(during("Counting", async { 7 }).await, 7);
    }
}
