//! What is answered to which request.

use std::path::PathBuf;

use axum::{
    Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, Query, State,
        rejection::{BytesRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use super::{Access, Room, events, problem::Problem};
use crate::{
    config::BODY_BYTES_MAX,
    harmless,
    line::command::{Addressed, Command, NetworkFormat},
    report::Report,
    run::{Answer, Ask, Question},
};

/// The description of all this for programs.
const OPENAPI: &str = include_str!("openapi.json");

pub(super) fn app(room: Room, access: &Access) -> Router {
    let whispers = match access {
        Access::Token(_) => get(whisper_by_query),
        // To follow a link takes no token, and says nothing of where the link was.
        Access::Open => get(async || Problem::ByLink),
    };
    Router::new()
        .route("/", get(status))
        .route("/people", get(people))
        .route("/messages", get(messages))
        .route("/network", get(network))
        .route("/say", post(say))
        .route("/whisper", whispers.post(whisper))
        .route("/files", get(files).post(send))
        .route("/events", get(listen))
        .route("/openapi.json", get(openapi))
        .fallback(async || Problem::NotFound)
        .method_not_allowed_fallback(async || Problem::Method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(room)
}

impl Room {
    async fn ask(&self, question: Question) -> Result<Answer, Problem> {
        let (reply, answer) = oneshot::channel();
        let asked = self.asks.send(Ask { question, reply }).await;
        asked.map_err(|_| Problem::Left)?;
        Ok(answer.await.map_err(|_| Problem::Left)??)
    }

    async fn command(&self, command: Command) -> Result<Response, Problem> {
        Ok(respond(self.ask(Question::Command(command)).await?))
    }
}

fn respond(answer: Answer) -> Response {
    let typed = |media_type, text: String| ([(header::CONTENT_TYPE, media_type)], text).into_response();
    match answer {
        Answer::Svg(image) => typed("image/svg+xml", image),
        Answer::Arrivals(arrivals) => match serde_json::to_string(&arrivals) {
            Ok(body) => typed("application/json", harmless::json(&body)),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Answer::Report(report) => {
            if let Report::Dot { graph } = *report {
                return typed("text/vnd.graphviz; charset=utf-8", graph);
            }
            let is_under_way = matches!(*report, Report::Done { .. });
            let status = if is_under_way {
                StatusCode::ACCEPTED
            } else {
                StatusCode::OK
            };
            match serde_json::to_string(&report) {
                Ok(body) => (status, typed("application/json", harmless::json(&body))).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }
        }
    }
}

async fn status(State(room): State<Room>) -> Result<Response, Problem> {
    room.command(Command::Status).await
}

async fn people(State(room): State<Room>) -> Result<Response, Problem> {
    room.command(Command::People).await
}

async fn files(State(room): State<Room>) -> Result<Response, Problem> {
    room.command(Command::Files).await
}

#[derive(Deserialize)]
struct Since {
    since: Option<String>,
}

async fn messages(State(room): State<Room>, query: Result<Query<Since>, QueryRejection>) -> Result<Response, Problem> {
    let Query(Since { since }) = query.map_err(of_query)?;
    Ok(respond(room.ask(Question::Messages { since }).await?))
}

#[derive(Deserialize)]
struct As {
    #[serde(default)]
    format: PictureFormat,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum PictureFormat {
    #[default]
    Json,
    Dot,
    Svg,
}

async fn network(State(room): State<Room>, query: Result<Query<As>, QueryRejection>) -> Result<Response, Problem> {
    let Query(As { format }) = query.map_err(of_query)?;
    let format = match format {
        PictureFormat::Json => NetworkFormat::Table,
        PictureFormat::Dot => NetworkFormat::Dot,
        PictureFormat::Svg => return Ok(respond(room.ask(Question::Picture).await?)),
    };
    room.command(Command::Network { format }).await
}

#[derive(Deserialize)]
struct Said {
    text: String,
}

async fn say(State(room): State<Room>, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let Said { text } = of_json(body, r#"{"text":"…"}"#)?;
    room.command(Command::Say { text }).await
}

#[derive(Deserialize)]
struct Whispered {
    name: String,
    #[serde(alias = "message")]
    text: String,
}

impl Whispered {
    fn command(self) -> Command {
        let Self { name, text } = self;
        let whisper = Addressed::To { name, text };
        Command::Whisper { whisper }
    }
}

async fn whisper(State(room): State<Room>, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let whispered: Whispered = of_json(body, r#"{"name":"…","text":"…"}"#)?;
    room.command(whispered.command()).await
}

async fn whisper_by_query(
    State(room): State<Room>,
    query: Result<Query<Whispered>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(whispered) = query.map_err(of_query)?;
    room.command(whispered.command()).await
}

#[derive(Deserialize)]
struct Sent {
    path: PathBuf,
}

async fn send(State(room): State<Room>, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let Sent { path } = of_json(body, r#"{"path":"/…"}"#)?;
    room.command(Command::Send { path }).await
}

async fn listen(State(room): State<Room>) -> Response {
    events::stream(room.events.subscribe()).into_response()
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

/// Whatever the media type says: curl sends none of JSON unless it is told to.
fn of_json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>, example: &str) -> Result<T, Problem> {
    let body = body.map_err(|_| Problem::TooLarge)?;
    serde_json::from_slice(&body).map_err(|error| Problem::Unreadable(format!("send {example} as JSON ({error})")))
}

fn of_query(rejection: QueryRejection) -> Problem {
    Problem::Unreadable(rejection.body_text())
}
