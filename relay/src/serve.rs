//! Puts a relay together, and takes it apart again in the order that loses nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::access::{Access, AccessError};
use crate::admin::{self, Admin};
use crate::config::{Config, Connections, Networks, TokenConfig};
use crate::data_dir::{DataDir, DataDirError};
use crate::edge::{Edge, Places, Tls, TlsError};
use crate::find::People;
use crate::identity::{KeyError, Secret, SecretError, Verifier, admin_token, secret};
use crate::ingest::{self, Ingest};
use crate::levels::{Levels, StoreError};
use crate::limit::Limits;
use crate::metrics::Metrics;
use crate::status::Listening;

/// Why a relay did not start. Nothing runs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data directory can't be used, or no upstream can be reached.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The rules for levels can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Who may use the admin API is not known.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Tokens can't be checked.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The admin API's token can't be made.
    #[error(transparent)]
    AdminToken(#[from] SecretError),
    /// The certificate can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken or not ours. Choose another.
    #[error("--{flag}: cannot listen on {address}; choose another, or end what listens there")]
    Listen {
        /// The setting, as a flag.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A relay that runs. Dropping it does not stop it; [`Relay::stop`] does, without losing anything.
#[derive(Debug)]
pub struct Relay {
    addr: SocketAddr,
    admin_addr: SocketAddr,
    ingest: Ingest,
    data: DataDir,
    secret: Option<Secret>,
    tokens: TokenConfig,
    stop_listening: watch::Sender<bool>,
    stop_exporting: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    tls: Option<Arc<Tls>>,
    exporters: Vec<JoinHandle<()>>,
}

/// Starts a relay. When this returns, it listens.
///
/// # Errors
///
/// When anything that it needs is missing: see [`StartError`]. Nothing runs then.
pub async fn start(config: Config) -> Result<Relay, StartError> {
    // First what only reads, so that nothing is left behind when it fails.
    let tls = config.tls.clone().map(Tls::read).transpose()?.map(Arc::new);
    let secret = secret(&config)?;
    let verifier = Verifier::new(&config.tokens, secret.as_ref())?;
    let token = admin_token(&config)?;
    let listener = bind("listen", config.listen).await?;
    let admin_listener = bind("admin-listen", config.admin_listen).await?;
    let (addr, admin_addr) = (
        local("listen", &listener, config.listen)?,
        local("admin-listen", &admin_listener, config.admin_listen)?,
    );
    let data = DataDir::open(&config).await?;
    let levels = Levels::open(&config.data_dir, config.level_refresh).await?;
    let access = Access::open(&config.data_dir).await?;
    data.announce(admin_addr)?;
    let metrics = Arc::new(Metrics::default());
    let pipeline = data.pipeline(&config, Arc::clone(&metrics));
    let (stop_exporting, exporters_stop) = watch::channel(false);
    // With `spool = none` too: what an earlier run left in the spool still has to go out.
    let running = data
        .start_exports(&config, &metrics, &exporters_stop)
        .await?;

    let ingest = Ingest::new(
        verifier,
        pipeline,
        Limits::new(&config.rates, config.trusted_proxies.clone()),
        levels,
        config.max_body_bytes,
    );
    let admin = Admin {
        ingest: ingest.clone(),
        spool_max_bytes: config.spool_max_bytes,
        token: Arc::new(token),
        eraser: Arc::new(
            data.eraser(&config)
                .with(access.audit.clone(), ingest.levels().clone()),
        ),
        audit: access.audit.clone(),
        access,
        listening: Listening {
            ingest: addr.to_string(),
            admin: admin_addr.to_string(),
            tls: tls.is_some(),
        },
        key_mode: config.tokens.key.mode(),
        has_upstream: config.upstream.is_some(),
        tls: tls.clone(),
        started: Instant::now(),
        index: running.index,
        people: config.people.as_deref().map(People::of).map(Arc::new),
        tails: Arc::new(Semaphore::new(admin::MOST_FOLLOWING)),
    };
    let (stop_listening, listeners_stop) = watch::channel(false);
    let cors = config.cors_origin.as_deref().and_then(ingest::cors);
    let Connections { all, per_address } = config.connections;
    let outside = Edge {
        app: ingest::app(ingest.clone(), cors),
        tls: tls.clone(),
        places: Places::new(all, per_address, config.trusted_proxies),
        refused: Arc::clone(&metrics.connections_refused),
    };
    let inside = Edge {
        app: admin::app(admin),
        tls: None,
        places: Places::new(MAX_ADMIN_CONNECTIONS, None, Networks::default()),
        refused: Arc::clone(&metrics.connections_refused),
    };
    let mut listeners = vec![
        tokio::spawn(outside.serve(listener, listeners_stop.clone())),
        tokio::spawn(inside.serve(admin_listener, listeners_stop.clone())),
    ];
    listeners.push(tokio::spawn(
        data.disk.clone().watch(listeners_stop.clone()),
    ));
    listeners.extend(
        tls.clone()
            .map(|tls| tokio::spawn(tls.watch(listeners_stop))),
    );
    Ok(Relay {
        addr,
        admin_addr,
        ingest,
        data,
        secret,
        tokens: config.tokens,
        stop_listening,
        stop_exporting,
        listeners,
        tls,
        exporters: running.tasks,
    })
}

impl Relay {
    /// Where clients send to.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where operators look.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// A token for `user` that is good for a day.
    ///
    /// # Errors
    ///
    /// When the relay can check tokens but not sign them, because it has a public key.
    pub fn development_token(&self, user: &str) -> Result<String, SecretError> {
        let secret = self.secret.as_ref().ok_or(SecretError::None)?;
        secret.token(user, DEFAULT_TOKEN_TTL, &self.tokens)
    }

    /// Reads the certificate again. Gives `false` when it can't be used: then the one at hand stays. Without TLS it gives
    /// `true`.
    pub fn reload_certificate(&self) -> bool {
        self.tls.as_ref().is_none_or(|tls| tls.reload())
    }

    /// Stops: no new connections, what has begun ends, the export sends what goes at once, the spool is closed.
    /// Whatever is left is in the spool.
    pub async fn stop(self) {
        self.ingest.drain();
        self.stop_listening.send_replace(true);
        for listener in self.listeners {
            // A listener does not panic; if it did, it has stopped.
            let _ = listener.await;
        }
        self.stop_exporting.send_replace(true);
        let deadline = tokio::time::Instant::now() + EXPORT_TIMEOUT;
        for mut exporter in self.exporters {
            if tokio::time::timeout_at(deadline, &mut exporter)
                .await
                .is_err()
            {
                exporter.abort();
            }
        }
        self.data.close().await;
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest").finish_non_exhaustive()
    }
}

pub(crate) async fn bind(
    flag: &'static str,
    address: SocketAddr,
) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen {
            flag,
            address,
            source,
        })
}

fn local(
    flag: &'static str,
    listener: &TcpListener,
    address: SocketAddr,
) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|source| StartError::Listen {
        flag,
        address,
        source,
    })
}

/// A token is good for a day unless told otherwise.
pub const DEFAULT_TOKEN_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Connections at once of those who look after the relay.
const MAX_ADMIN_CONNECTIONS: u32 = 256;

/// How long the export may go on once the relay stops.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
