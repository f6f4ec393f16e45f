//! Asking both sizes in turn, and the table of what it took.

use crate::{
    ask::{Kind, Known, NOBODY},
    rig::{Client, Function, processor_time},
};
use anyhow::ensure;
use shared::config::{Env, parsed, text};
use std::time::Duration;

/// The two sizes that are compared, in customers.
pub(crate) const SIZES: [usize; 2] = [10_000, 1_000_000];
/// How often each kind is asked, without what warms it.
const TIMES: usize = 300;
const WARM: usize = 20;
/// How many questions one size is asked before the other has its turn.
const TURN: usize = 10;
/// How long one kind may take altogether at the larger size: what takes that long is not asked further.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is promised: p99 of the larger size within this many times that of the smaller, and under this.
const RATIO: f64 = 1.5;
const LONGEST: Duration = Duration::from_millis(25);

/// One size: its function, a connection to it, and whoever else works for it.
struct Size {
    client: Client,
    processes: Vec<u32>,
    kinds: Vec<Kind>,
    _function: Function,
}

/// What the questions of one kind took.
#[derive(Default)]
struct Taken {
    times: Vec<Duration>,
    processor: Duration,
    /// How many customers all answers show.
    shown: usize,
    slowest: (Duration, String),
}

impl Size {
    async fn start(
        url: &str,
        rows: usize,
        server: Option<u32>,
        times: usize,
    ) -> anyhow::Result<Self> {
        let function = Function::start(url).await?;
        let mut client = function.connect().await?;
        eprintln!("Learning about {rows} customers");
        let mut known = Known::learn(&mut client, rows).await?;
        eprintln!("Walking half-way through {rows} customers");
        let kinds = known.kinds(&mut client, times).await?;
        Ok(Self {
            client,
            processes: [Some(function.id()), server]
                .into_iter()
                .flatten()
                .collect(),
            kinds,
            _function: function,
        })
    }

    fn processor_time(&self) -> anyhow::Result<Duration> {
        self.processes
            .iter()
            .map(|process| processor_time(*process))
            .sum()
    }

    async fn warm(&mut self, kind: usize) -> anyhow::Result<()> {
        for path in self.kinds[kind].paths.iter().take(WARM) {
            self.client.get(path).await?;
        }
        Ok(())
    }

    async fn turn(&mut self, kind: usize, from: usize, taken: &mut Taken) -> anyhow::Result<()> {
        let before = self.processor_time()?;
        for path in self.kinds[kind].paths.iter().skip(from).take(TURN) {
            let answer = self.client.get(path).await?;
            let time = answer.time;
            taken.shown += answer.body["data"].as_array().map_or(0, Vec::len);
            taken.times.push(time);
            if time > taken.slowest.0 {
                taken.slowest = (time, path.clone());
            }
        }
        taken.processor += self.processor_time()?.saturating_sub(before);
        Ok(())
    }
}

impl Taken {
    fn percentile(&self, percent: usize) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[(times.len() * percent).div_ceil(100) - 1]
    }
}

/// Measures every kind on both sizes and prints a table. `server` is the process of the database, where it has one.
pub(crate) async fn lists(urls: [String; 2], server: Option<u32>) -> anyhow::Result<()> {
    let mut env = Env::of_process();
    let times = env.or("TIMES", TIMES, parsed);
    let only = env.or("ONLY", String::new(), text);
    let (times, only) = env.finish(times.zip(only))?;
    ensure!(
        times >= 100,
        "TIMES must be at least 100: a p99 of fewer is none"
    );
    let [small, large] = urls;
    let mut small = Size::start(&small, SIZES[0], server, times).await?;
    let mut large = Size::start(&large, SIZES[1], server, times).await?;
    println!(
        "| what is asked | p50 at 10,000 | at 1,000,000 | p99 at 10,000 | at 1,000,000 | ratio | CPU at 10,000 | at 1,000,000 | |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|---|");
    let mut over = Vec::new();
    for kind in 0..small.kinds.len() {
        let name = small.kinds[kind].name.clone();
        if !name.contains(&only) {
            continue;
        }
        let mut taken = [Taken::default(), Taken::default()];
        small.warm(kind).await?;
        large.warm(kind).await?;
        for from in (0..times).step_by(TURN) {
            small.turn(kind, from, &mut taken[0]).await?;
            large.turn(kind, from, &mut taken[1]).await?;
            if taken[1].times.iter().sum::<Duration>() > PATIENCE {
                break;
            }
        }
        ensure!(
            name.contains(NOBODY) || taken.iter().all(|it| it.shown > 0),
            "{name}: no answer shows anybody, so nothing is measured"
        );
        over.extend(row(&name, &taken));
    }
    println!(
        "\nMilliseconds, one question after another, {times} of each kind unless they took {} s; CPU is of the function and the database together.",
        PATIENCE.as_secs()
    );
    println!(
        "Over {RATIO} times or {} ms: {} of {} kinds.",
        LONGEST.as_millis(),
        over.len(),
        small.kinds.len()
    );
    for line in over {
        println!("- {line}");
    }
    Ok(())
}

/// Prints a kind's row; gives what was slowest about it when it took longer than promised.
fn row(name: &str, taken: &[Taken; 2]) -> Option<String> {
    let [small, large] = taken;
    let (p50, p99) = (
        [small.percentile(50), large.percentile(50)],
        [small.percentile(99), large.percentile(99)],
    );
    let ratio = p99[1].as_secs_f64() / p99[0].as_secs_f64();
    let mark = match (ratio > RATIO, p99[1] > LONGEST) {
        (false, false) => "",
        (true, false) => "ratio",
        (false, true) => "slow",
        (true, true) => "ratio, slow",
    };
    let processor = taken
        .each_ref()
        .map(|it| it.processor / u32::try_from(it.times.len()).unwrap_or(1));
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {ratio:.2} | {:.1} | {:.1} | {mark} |",
        ms(p50[0]),
        ms(p50[1]),
        ms(p99[0]),
        ms(p99[1]),
        ms(processor[0]),
        ms(processor[1])
    );
    let (time, path) = &large.slowest;
    (!mark.is_empty()).then(|| format!("{name}: slowest {:.1} ms, `{path}`", ms(*time)))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
