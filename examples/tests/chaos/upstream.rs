//! The backend behind the relay, and what has arrived there.

use std::collections::HashMap;

use courier_examples::receiver::Receiver;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tokio::runtime::Runtime;

use crate::process::poll;

/// A receiver on threads of its own.
pub struct Upstream {
    receiver: Receiver,
    _runtime: Runtime,
}

/// A record's name: who logged it in which run, and its number.
pub type Name = (String, u64);

impl Upstream {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let receiver = runtime.block_on(Receiver::start()).expect("a port");
        Self {
            receiver,
            _runtime: runtime,
        }
    }

    /// The receiver itself.
    pub fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// Waits until so many numbered records have arrived, however often.
    pub fn wait_for(&self, count: usize) {
        poll(&format!("{count} records upstream"), || {
            // Counting is cheap, decoding is not.
            (self.receiver.records() >= count && self.numbered().len() >= count).then_some(())
        });
    }

    /// The names of the numbered records, as they arrived.
    pub fn numbered(&self) -> Vec<Name> {
        self.receiver.requests().iter().flat_map(numbered).collect()
    }
}

/// The names of the numbered records in one request, in order.
pub fn numbered(request: &ExportLogsServiceRequest) -> Vec<Name> {
    records(request)
        .filter_map(
            |record| match (text(record, "session.id"), attribute(record, "n")) {
                (Some(session), Some(Value::IntValue(n))) => Some((
                    session.to_owned(),
                    u64::try_from(*n).expect("it counts from 0"),
                )),
                (_, None) => None,
                (session, n) => panic!("a number without its run: {session:?} {n:?}"),
            },
        )
        .collect()
}

/// All records of a request.
pub fn records(request: &ExportLogsServiceRequest) -> impl Iterator<Item = &LogRecord> {
    request
        .resource_logs
        .iter()
        .flat_map(|resource| &resource.scope_logs)
        .flat_map(|scope| &scope.log_records)
}

/// An attribute's value.
pub fn attribute<'r>(record: &'r LogRecord, key: &str) -> Option<&'r Value> {
    let found = record.attributes.iter().find(|pair| pair.key == key)?;
    found.value.as_ref()?.value.as_ref()
}

/// An attribute that is text.
pub fn text<'r>(record: &'r LogRecord, key: &str) -> Option<&'r str> {
    match attribute(record, key)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// The names that come more than once.
pub fn doubled(names: &[Name]) -> Vec<Name> {
    let mut times: HashMap<&Name, usize> = HashMap::new();
    for name in names {
        *times.entry(name).or_default() += 1;
    }
    let mut doubled: Vec<Name> = times
        .into_iter()
        .filter(|(_, times)| *times > 1)
        .map(|(name, _)| name.clone())
        .collect();
    doubled.sort();
    doubled
}

/// The runs of the program by first arrival, each with its numbers in the order of theirs.
pub fn by_run(names: &[Name]) -> Vec<(&str, Vec<u64>)> {
    let mut runs: Vec<(&str, Vec<u64>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (session, n) in names {
        let place = *places.entry(session).or_insert_with(|| {
            runs.push((session, Vec::new()));
            runs.len() - 1
        });
        runs[place].1.push(*n);
    }
    runs
}
