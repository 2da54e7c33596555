//! HTTP by reqwest, on a runtime of the sender's own thread.
//!
//! Its promises: the client is built at the first request, not at the start of the program; no redirect is followed;
//! an answer is read up to a cap, and a request ends at its timeout; TLS by rustls with the platform's roots; a proxy
//! carries https alone, and sees nothing of it.

mod encode;
mod endpoint;
mod exchange;
mod moving;
mod proxy;
mod runtime;
mod setters;
mod settings;
mod tls;

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, redirect};

pub use encode::Compression;
pub use endpoint::EndpointError;
pub(super) use endpoint::Place;
pub(super) use runtime::OwnRuntime;
pub(super) use settings::Settings;
pub use settings::{DEFAULT_CONNECT_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, TOKEN_TIMEOUT};
pub use tls::CertificateError;

use super::transport::{Answer, Get, Request, Transport};
use encode::Encoder;
use exchange::{exchange, root_cause};
use tls::Trust;

/// The [`Transport`] of the `http` feature.
pub struct Http {
    place: Place,
    /// Where it goes, for people.
    shown: String,
    settings: Settings,
    encoder: Encoder,
    runtime: OwnRuntime,
    built: Option<Built>,
}

/// Makes more transports to the same place, each with a runtime of its own.
pub(super) fn again(place: Place, settings: Settings) -> super::again::MakeTransport {
    Box::new(move || {
        let (place, settings) = (place.clone(), settings.clone());
        Box::new(Http::at(place, settings, OwnRuntime::default())) as Box<dyn Transport>
    })
}

/// A client for endpoints of one kind.
struct Built {
    client: Client,
    kind: Kind,
    /// The endpoint whose kind that is.
    endpoint: Arc<endpoint::Endpoint>,
}

/// What a client has to be built for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    has_tls: bool,
    /// Past any proxy.
    is_direct: bool,
}

impl Http {
    /// Sends to the relay at this base URL, with the default settings.
    ///
    /// # Errors
    /// What is given is no http or https URL with a host, it has credentials in it, or it is http to another machine.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        let place = Place::new(url, false)?;
        Ok(Self::at(place, Settings::default(), OwnRuntime::default()))
    }

    pub(super) fn at(place: Place, settings: Settings, runtime: OwnRuntime) -> Self {
        Self {
            shown: place.shown(),
            encoder: Encoder::new(settings.compression),
            place,
            settings,
            runtime,
            built: None,
        }
    }

    /// The client, built where it is used.
    fn client(&mut self) -> Result<&Client, String> {
        let endpoint = self.place.endpoint();
        self.shown.clone_from(&endpoint.shown);
        let built = match self.built.take() {
            Some(built) if Arc::ptr_eq(&built.endpoint, &endpoint) => built,
            before => {
                let kind = Kind {
                    has_tls: endpoint.has_tls(),
                    is_direct: !self.settings.has_proxy || proxy::is_passed_by(&endpoint),
                };
                let client = match before.filter(|before| before.kind == kind) {
                    Some(before) => before.client,
                    None => self.settings.client(kind, &self.runtime)?,
                };
                Built {
                    client,
                    kind,
                    endpoint,
                }
            }
        };
        Ok(&self.built.insert(built).client)
    }

    fn exchange(
        &mut self,
        request: impl FnOnce(&Client, &mut Encoder, &endpoint::Endpoint) -> RequestBuilder,
    ) -> Answer {
        let endpoint = self.place.endpoint();
        if let Err(error) = self.client() {
            return Answer::none(error);
        }
        // Taken for as long as it is used: after a panic in it there is a new one.
        let (Some(built), Ok(runtime)) = (self.built.take(), self.runtime.get()) else {
            return Answer::none("no HTTP client");
        };
        let request = request(&built.client, &mut self.encoder, &endpoint);
        let answer = runtime.block_on(exchange(request));
        self.built = Some(built);
        answer
    }
}

impl Transport for Http {
    fn prepare(&mut self) {
        // What goes wrong here is said by the request that needs it.
        let _ = self.client();
    }

    fn post(&mut self, request: &Request<'_>) -> Answer {
        self.exchange(|client, encoder, endpoint| {
            let (body, encoding) = encoder.encode(request.body);
            let post = client
                .post(endpoint.below(request.path))
                .header(CONTENT_TYPE, "application/json")
                .body(body);
            let post = match encoding {
                Some(encoding) => post.header(CONTENT_ENCODING, encoding),
                None => post,
            };
            named(post, request.request_id, request.token)
        })
    }

    fn get(&mut self, get: &Get<'_>) -> Answer {
        self.exchange(|client, _, endpoint| {
            let request = client.get(endpoint.below(get.path));
            let request = match get.if_none_match {
                Some(etag) => request.header(IF_NONE_MATCH, etag),
                None => request,
            };
            named(request, get.request_id, get.token)
        })
    }

    fn endpoint(&self) -> &str {
        &self.shown
    }
}

fn named(request: RequestBuilder, id: &str, token: Option<&str>) -> RequestBuilder {
    let request = request.header("x-request-id", id);
    match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    }
}

impl Settings {
    fn client(&self, kind: Kind, runtime: &OwnRuntime) -> Result<Client, String> {
        let tls = if kind.has_tls {
            self.trust.config()?
        } else {
            Trust::none()?
        };
        runtime.get()?.block_on(async {
            let client = Client::builder()
                .tls_backend_preconfigured(tls)
                .connect_timeout(self.connect_timeout)
                .timeout(self.request_timeout)
                .redirect(redirect::Policy::none())
                .user_agent(concat!(
                    env!("CARGO_PKG_NAME"),
                    "/",
                    env!("CARGO_PKG_VERSION")
                ));
            let client = if kind.is_direct {
                client.no_proxy()
            } else {
                client
            };
            client
                .build()
                .map_err(|error| format!("cannot build the HTTP client: {}", root_cause(&error)))
        })
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http")
            .field("endpoint", &self.place.shown())
            .finish_non_exhaustive()
    }
}
