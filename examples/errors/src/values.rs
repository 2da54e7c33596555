//! Errors of well-known crates, each made by really failing.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use color_eyre::eyre::{self, WrapErr as _};
use serde::{Deserialize, Serialize};
use tracing::error;

use crate::arrived::{Arrived, arriving};
use crate::server::{self, Answer};

/// One error.
pub struct Value {
    /// The crate that it is of.
    pub of: &'static str,
    /// What failed.
    pub what: &'static str,
    error: Box<dyn AsRef<dyn Error>>,
}

impl Value {
    fn error(&self) -> &(dyn Error + 'static) {
        (*self.error).as_ref()
    }

    /// Its own text.
    #[must_use]
    pub fn text(&self) -> String {
        self.error().to_string()
    }

    /// What arrives of it, logged in the way that the page recommends.
    #[must_use]
    pub fn arrived(&self) -> Arrived {
        self.only(|| error!(error = self.error(), "failed"))
    }

    /// The same without a message.
    #[must_use]
    pub fn arrived_without_message(&self) -> Arrived {
        self.only(|| error!(error = self.error()))
    }

    fn only(&self, log: impl FnOnce()) -> Arrived {
        let mut arrived = arriving(log);
        assert_eq!(arrived.len(), 1, "{}, {}: {arrived:?}", self.of, self.what);
        arrived.remove(0)
    }
}

/// All of them.
///
/// # Errors
/// Something succeeded, or a trial can't be set up.
pub fn all() -> anyhow::Result<Vec<Value>> {
    let dir = tempfile::tempdir()?;
    let mut values = Vec::new();
    of_io(&mut values, dir.path())?;
    of_parsers(&mut values);
    of_programs(&mut values);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(of_tokio(&mut values));
    runtime.block_on(of_reqwest(&mut values))?;
    runtime.block_on(of_sqlx(&mut values, dir.path()))?;
    Ok(values)
}

/// Adds the error of `result`, which must be one.
fn add<T, E>(values: &mut Vec<Value>, of: &'static str, what: &'static str, result: Result<T, E>)
where
    E: Error + 'static,
{
    let boxed = result.map_err(|error| -> Box<dyn Error> { Box::new(error) });
    add_report(values, of, what, boxed);
}

/// The same for what is no error itself, and has one: the reports of anyhow and eyre.
fn add_report<T, R>(
    values: &mut Vec<Value>,
    of: &'static str,
    what: &'static str,
    result: Result<T, R>,
) where
    R: AsRef<dyn Error> + 'static,
{
    match result {
        Ok(_) => panic!("{of}: {what} is no error"),
        Err(report) => values.push(Value {
            of,
            what,
            error: Box::new(report),
        }),
    }
}

fn of_io(values: &mut Vec<Value>, dir: &Path) -> io::Result<()> {
    let file = dir.join("file");
    fs::write(&file, [0xff])?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let mut io = |what, result| add(values, "std::io", what, result);
    io(
        "opening a file that is not there",
        File::open(dir.join("none")).map(drop),
    );
    io(
        "creating a file that is there",
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&file)
            .map(drop),
    );
    io("reading a directory as a file", fs::read(dir).map(drop));
    io(
        "reading text that is not UTF-8",
        fs::read_to_string(&file).map(drop),
    );
    io(
        "a file that is too short",
        File::open(&file)?.read_exact(&mut [0; 8]),
    );
    io(
        "listening where somebody listens",
        TcpListener::bind(taken.local_addr()?).map(drop),
    );
    io(
        "connecting where nobody listens",
        TcpStream::connect(server::nobody()?).map(drop),
    );
    Ok(())
}

#[derive(Debug, Deserialize, Serialize)]
struct Settings {
    port: u16,
}

/// A program's options.
#[derive(Debug, clap::Parser)]
struct Options {
    #[arg(long)]
    port: u16,
}

fn of_parsers(values: &mut Vec<Value>) {
    let json = |text| serde_json::from_str::<Settings>(text).map(drop);
    add(values, "serde_json", "a bare word", json("{port}"));
    add(
        values,
        "serde_json",
        "text that ends too early",
        json("{\"port\": 1"),
    );
    add(
        values,
        "serde_json",
        "a number that is too large",
        json("{\"port\": 70000}"),
    );

    let toml = |text| toml::from_str::<Settings>(text).map(drop);
    add(values, "toml", "a line without a value", toml("port ="));
    add(
        values,
        "toml",
        "a document that is only a number",
        toml::to_string(&5).map(drop),
    );

    let clap =
        |arguments: &[&str]| Options::try_parse_from([&["app"], arguments].concat()).map(drop);
    add(values, "clap", "an unknown option", clap(&["--prot", "1"]));
    add(
        values,
        "clap",
        "a value that is no number",
        clap(&["--port", "x"]),
    );
    add(values, "clap", "an option that is missing", clap(&[]));
}

/// An error of the program's own.
#[derive(Debug, thiserror::Error)]
enum SyncError {
    #[error("the line is closed")]
    Closed,
    #[error("the answer is of version {version}")]
    Version { version: u32 },
    #[error("the answer is not text")]
    NotText(#[from] std::str::Utf8Error),
}

fn of_programs(values: &mut Vec<Value>) {
    let closed = || Err::<(), _>(SyncError::Closed);
    add(
        values,
        "thiserror",
        "a variant of the program's own",
        closed(),
    );
    let version = SyncError::Version { version: 7 };
    add(
        values,
        "thiserror",
        "another variant",
        Err::<(), _>(version),
    );
    let text = String::from_utf8(vec![0xff]).map_err(|error| error.utf8_error());
    add(
        values,
        "thiserror",
        "a variant around a cause",
        text.map_err(SyncError::from),
    );

    let number = anyhow::Context::context("seven".parse::<u8>(), "reading the room's number");
    add_report(values, "anyhow", "a context around a cause", number);
    let broken = anyhow::Error::new(io::Error::from(io::ErrorKind::BrokenPipe));
    add_report(
        values,
        "anyhow",
        "two contexts around a cause",
        Err::<(), _>(broken.context("sending").context("upload 7")),
    );
    let time = Duration::try_from_secs_f64(-1.0);
    add_report(
        values,
        "anyhow",
        "a cause alone",
        time.map_err(anyhow::Error::new),
    );

    let number = "seven".parse::<f64>().wrap_err("reading the level");
    add_report(values, "eyre", "a context around a cause", number);
    let letter = "seven".parse::<char>().map_err(eyre::Report::new);
    add_report(values, "eyre", "a cause alone", letter);
}

async fn of_tokio(values: &mut Vec<Value>) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let panicked = tokio::spawn(async { panic!("in a task") }).await;
    std::panic::set_hook(hook);
    add(values, "tokio", "a task that panicked", panicked);
    let task = tokio::spawn(std::future::pending::<()>());
    task.abort();
    add(values, "tokio", "a task that was cancelled", task.await);
}

async fn of_reqwest(values: &mut Vec<Value>) -> anyhow::Result<()> {
    // Nothing here speaks TLS, but a client wants to be able to.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_millis(200))
        .build()?;
    let get = async |url: String| client.get(url).send().await;
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwhat";
    let failed = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    let answer = get(server::start(Answer::Text(failed))?).await?;
    add(values, "reqwest", "status 500", answer.error_for_status());
    let answer = get(server::start(Answer::Text(ok))?).await?;
    add(
        values,
        "reqwest",
        "an answer that is no JSON",
        answer.json::<Settings>().await,
    );
    let silence = get(server::start(Answer::Silence)?).await;
    add(values, "reqwest", "no answer in time", silence);
    let round = get(server::start(Answer::RedirectToItself)?).await;
    add(values, "reqwest", "redirects without end", round);
    let broken = get(server::start(Answer::Text("no HTTP at all\r\n\r\n"))?).await;
    add(values, "reqwest", "an answer that is no HTTP", broken);
    add(
        values,
        "reqwest",
        "a URL without a host",
        get("no url".to_owned()).await,
    );
    Ok(())
}

async fn of_sqlx(values: &mut Vec<Value>, dir: &Path) -> anyhow::Result<()> {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    let options = SqliteConnectOptions::new()
        .filename(dir.join("db"))
        .create_if_missing(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(Duration::from_millis(50))
        .connect_with(options)
        .await?;
    let run = async |query: &'static str| sqlx::query(query).fetch_one(&pool).await;
    sqlx::query("create table rooms (id integer primary key)")
        .execute(&pool)
        .await?;
    sqlx::query("insert into rooms values (1)")
        .execute(&pool)
        .await?;
    add(
        values,
        "sqlx",
        "a table that is not there",
        run("select * from halls").await,
    );
    add(
        values,
        "sqlx",
        "a row that is there already",
        run("insert into rooms values (1) returning id").await,
    );
    add(
        values,
        "sqlx",
        "no row",
        run("select * from rooms where id = 2").await,
    );
    let held = pool.acquire().await?;
    add(
        values,
        "sqlx",
        "no connection in time",
        pool.acquire().await,
    );
    drop(held);
    let none = SqliteConnectOptions::new().filename(dir.join("none/db"));
    add(
        values,
        "sqlx",
        "a database that can't be opened",
        SqlitePoolOptions::new().connect_with(none).await,
    );
    pool.close().await;
    add(
        values,
        "sqlx",
        "a pool that is closed",
        pool.acquire().await,
    );
    Ok(())
}
