//! Log lines: what they look like, and the trace that each of them carries.

use super::{BoxedLayer, LogFormat, TelemetryConfig, trace::Trace};
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, IsTerminal as _, Write},
    os::fd::AsFd as _,
    sync::Arc,
};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::dynamic_filter_fn,
    fmt::{MakeWriter, format},
    layer::Filter,
};

/// Fields under this name are for Cloud Logging, which shows them as the request; people have them in the message.
const REQUEST_FIELDS: &str = "http_request.";

impl TelemetryConfig {
    pub(super) fn log_layer(&self) -> BoxedLayer {
        // Asked anew for every line. A filter whose word is remembered loses lines: when something that is no event is
        // refused (sqlx asks before it words its own lines), tracing-subscriber notes that for this thread and takes the
        // next remembered event for the refused one.
        let targets = self.filter.clone();
        let hint = Filter::<Registry>::max_level_hint(&targets);
        let filter = dynamic_filter_fn(move |metadata, _| {
            metadata.is_event() && targets.would_enable(metadata.target(), metadata.level())
        });
        let filter = match hint {
            Some(hint) => filter.with_max_level_hint(hint),
            None => filter,
        };
        match self.format {
            LogFormat::Pretty => tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .with_target(false)
                .fmt_fields(format::debug_fn(|writer, field, value| {
                    match field.name() {
                        "message" => write!(writer, "{value:?}"),
                        name if name.starts_with(REQUEST_FIELDS) => Ok(()),
                        name => write!(writer, " {name}={value:?}"),
                    }
                }))
                .with_filter(filter)
                .boxed(),
            LogFormat::Stackdriver => tracing_stackdriver::layer()
                .with_writer(Traced::new(self.project.clone()))
                .with_filter(filter)
                .boxed(),
        }
    }
}

/// Writes lines of JSON to standard error, with the current request's trace added, by which Cloud Logging groups them.
///
/// tracing-stackdriver camel-cases every field's name, and these names are not of that form.
struct Traced {
    project: Option<Arc<str>>,
    /// Standard error without the standard library's lock: whoever waits for that while another writes is put to sleep and
    /// woken for it. The system keeps a line together that is written in one piece (pipe(7), `PIPE_BUF`).
    out: Option<File>,
}

impl Traced {
    fn new(project: Option<Arc<str>>) -> Self {
        let out = io::stderr().as_fd().try_clone_to_owned().ok();
        Self {
            project,
            out: out.map(Into::into),
        }
    }
}

impl<'a> MakeWriter<'a> for Traced {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        let added = Trace::current().map(|trace| trace_fields(trace, self.project.as_deref()));
        Line {
            added: added.unwrap_or_default(),
            out: self.out.as_ref(),
        }
    }
}

fn trace_fields(trace: Trace, project: Option<&str>) -> String {
    let mut fields = match project {
        Some(project) => format!(
            r#","logging.googleapis.com/trace":"projects/{project}/traces/{}""#,
            trace.id
        ),
        None => format!(r#","logging.googleapis.com/trace":"{}""#, trace.id),
    };
    if trace.span != 0 {
        let _ = write!(
            fields,
            r#","logging.googleapis.com/spanId":"{:016x}","logging.googleapis.com/trace_sampled":{}"#,
            trace.span, trace.sampled
        );
    }
    fields
}

/// One line, given whole.
struct Line<'a> {
    added: String,
    out: Option<&'a File>,
}

impl Line<'_> {
    fn put(&self, line: &[u8]) -> io::Result<()> {
        match self.out {
            Some(mut out) => out.write_all(line),
            None => io::stderr().lock().write_all(line),
        }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match line.strip_suffix(b"}\n") {
            Some(open) if !self.added.is_empty() => {
                self.put(&[open, self.added.as_bytes(), b"}\n"].concat())?;
            }
            _ => self.put(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
