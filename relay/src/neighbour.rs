//! The relay that runs on the same data directory, reached by a command through its admin API.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretBox};
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::chain;
use crate::export::{self, UpstreamError};
use crate::identity::SecretError;
use crate::serve::admin_token;
use crate::spool::announced;

/// A running relay.
pub struct Neighbour {
    client: reqwest::Client,
    base: String,
    token: SecretBox<[u8]>,
}

/// The running relay can't be asked, or says no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NeighbourError {
    /// Somebody has the directory and does not say where to reach it: a command like this one. Wait for it to end.
    #[error("data directory `{}` is in use", .0.display())]
    Silent(PathBuf),
    /// Its admin token can't be read.
    #[error(transparent)]
    Token(#[from] SecretError),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] UpstreamError),
    /// It does not answer, or not with what was asked for.
    #[error("the running relay: {0}")]
    Answer(String),
}

impl Neighbour {
    /// The relay that has `dir`.
    ///
    /// # Errors
    ///
    /// When it does not say where it is, or its token can't be read.
    pub fn at(config: &Config, dir: &Path) -> Result<Self, NeighbourError> {
        let admin = announced(dir).ok_or_else(|| NeighbourError::Silent(dir.to_owned()))?;
        let token = admin_token(config)?;
        Ok(Self {
            client: export::client(false)?,
            base: format!("http://{admin}"),
            token,
        })
    }

    /// What it answers to a GET.
    ///
    /// # Errors
    ///
    /// When it is not what was asked for.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NeighbourError> {
        self.ask(self.client.get(format!("{}{path}", self.base)))
            .await
    }

    /// What it answers to a POST.
    ///
    /// # Errors
    ///
    /// When it is not what was asked for.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T, NeighbourError> {
        let request = self.client.post(format!("{}{path}", self.base));
        self.ask(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// What it answers to a DELETE; `None` if there was nothing to delete.
    ///
    /// # Errors
    ///
    /// When it is not what was asked for.
    pub async fn delete<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Option<T>, NeighbourError> {
        let request = self.client.delete(format!("{}{path}", self.base));
        let (status, answer) = self.exchange(request).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(status, &answer).map(Some)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, NeighbourError> {
        let (status, answer) = self.exchange(request).await?;
        read(status, &answer)
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(StatusCode, Bytes), NeighbourError> {
        let failed = |error: reqwest::Error| NeighbourError::Answer(chain(&error));
        let token = String::from_utf8_lossy(self.token.expose_secret());
        let response = request.bearer_auth(token).send().await.map_err(failed)?;
        let status = response.status();
        let answer = response.bytes().await.map_err(failed)?;
        Ok((status, answer))
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, answer: &[u8]) -> Result<T, NeighbourError> {
    serde_json::from_slice(answer).map_err(|_| {
        NeighbourError::Answer(format!("{status}: {}", String::from_utf8_lossy(answer)))
    })
}
