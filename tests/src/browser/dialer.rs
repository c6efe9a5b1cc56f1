//! How the test reaches a driver, which may listen on another network's loopback.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use anyhow::{Context as _, Error};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use crate::homes::Place;

/// Opens connections from where the driver runs.
#[derive(Debug, Clone)]
pub(super) struct Dialer(pub(super) Place);

impl Service<Uri> for Dialer {
    type Response = TokioIo<TcpStream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, driver: Uri) -> Self::Future {
        let place = self.0.clone();
        Box::pin(async move {
            let authority = driver.authority().context("a driver has an address")?;
            Ok(TokioIo::new(place.connect(authority.as_str().parse()?).await?))
        })
    }
}
