//! How a line of the local log looks: as `fmt`'s, with FATAL, the user and the context.

use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Level, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

use crate::context::RunContext;
use crate::life::Life;
use crate::record::{self, Record};
use courier_sanitize::shown;

/// The field that makes an ERROR event FATAL.
const FATAL: &str = "fatal";

/// Formats events.
pub(super) struct LineFormat {
    pub life: Arc<Life>,
    pub context: RunContext,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let level = match *metadata.level() {
            Level::ERROR if is_fatal(event) => "FATAL",
            level => shown_level(level.into()),
        };
        head(&mut writer, level)?;
        if let Some(scope) = ctx.event_scope() {
            for span in scope.from_root() {
                writer.write_str(span.metadata().name())?;
                if let Some(fields) = span.extensions().get::<FormattedFields<N>>()
                    && !fields.is_empty()
                {
                    write!(OneLine(&mut writer), "{{{fields}}}")?;
                }
                writer.write_char(':')?;
            }
            writer.write_char(' ')?;
        }
        write!(OneLine(&mut writer), "{}:", metadata.target())?;
        let mut fields = Fields {
            out: OneLine(&mut writer),
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        let user = self.life.session().user_id.clone();
        let context = self.context.load();
        let context = context.iter().map(|member| (&*member.name, &*member.json));
        foot(&mut writer, user.as_deref(), context)
    }
}

/// The line of a record that does not come through `tracing`.
pub(super) fn of_record(record: &Record, user: Option<&str>) -> String {
    let mut line = String::new();
    // A String takes everything.
    let _ = write_record(&mut line, record, user);
    line
}

fn write_record(line: &mut String, record: &Record, user: Option<&str>) -> fmt::Result {
    head(line, shown_level(record.level))?;
    for span in &record.spans {
        write!(OneLine(line), "{span}:")?;
    }
    if !record.spans.is_empty() {
        line.push(' ');
    }
    write!(OneLine(line), "{}: {}", record.logger, record.message)?;
    if let Some(place) = &record.location {
        write!(OneLine(line), " file={}", place.file)?;
        if let Some(number) = place.line {
            write!(line, " line={number}")?;
        }
    }
    let attributes: Vec<(&str, String)> = record
        .attributes
        .iter()
        // The logger says it.
        .filter(|(name, _)| *name != "panic")
        .map(|(name, value)| (&**name, value.to_string()))
        .collect();
    foot(
        line,
        user,
        attributes.iter().map(|(name, json)| (*name, &**json)),
    )
}

fn head(out: &mut impl Write, level: &str) -> fmt::Result {
    let mut time = String::new();
    SystemTime.format_time(&mut Writer::new(&mut time))?;
    write!(out, "{time} {level:>5} ")
}

fn foot<'a>(
    out: &mut impl Write,
    user: Option<&str>,
    context: impl Iterator<Item = (&'a str, &'a str)>,
) -> fmt::Result {
    if let Some(user) = user {
        write!(OneLine(out), " user={user}")?;
    }
    for (name, json) in context {
        write!(OneLine(out), " {name}={json}")?;
    }
    out.write_char('\n')
}

fn shown_level(level: record::Level) -> &'static str {
    match level {
        record::Level::Trace => "TRACE",
        record::Level::Debug => "DEBUG",
        record::Level::Info => "INFO",
        record::Level::Warning => "WARN",
        record::Level::Error => "ERROR",
        record::Level::Fatal => "FATAL",
    }
}

fn is_fatal(event: &Event<'_>) -> bool {
    struct IsFatal(bool);
    impl Visit for IsFatal {
        fn record_bool(&mut self, field: &Field, value: bool) {
            self.0 |= value && field.name() == FATAL;
        }

        fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
    }
    let mut fatal = IsFatal(false);
    event.record(&mut fatal);
    fatal.0
}

/// Writes the message, then each field as ` name=value`.
struct Fields<'a, W> {
    out: OneLine<'a, W>,
    result: fmt::Result,
}

impl<W: Write> Fields<'_, W> {
    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.result.is_err() {
            return;
        }
        self.result = match field.name() {
            "message" => write!(self.out, " {value}"),
            // Where a `log` record came from: the line says it already.
            name if name.starts_with("log.") => Ok(()),
            name => write!(
                self.out,
                " {}={value}",
                name.strip_prefix("r#").unwrap_or(name)
            ),
        };
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_bool(&mut self, field: &Field, value: bool) {
        // The level says it.
        if !(value && field.name() == FATAL) {
            self.write(field, format_args!("{value}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.write(field, format_args!("{value}")),
            _ => self.write(field, format_args!("{value:?}")),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        struct Chain<'a>(&'a (dyn Error + 'static));
        impl fmt::Display for Chain<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                shown::write(self.0, f)
            }
        }
        self.write(field, format_args!("{}", Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }
}

/// Keeps a record in one line, and a terminal safe from it: control characters are written as `\n`, `\u{1b}`.
struct OneLine<'a, W: ?Sized>(&'a mut W);

impl<W: Write + ?Sized> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(char::is_control) {
            let (plain, control) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut chars = control.chars();
            if let Some(control) = chars.next() {
                write!(self.0, "{}", control.escape_default())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}
