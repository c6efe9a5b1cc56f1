//! Against a server that plays its part by a script. `cargo xtask test --only nat -- relayed::` asks coturn.

use tokio::net::UdpSocket;

use super::*;
use crate::config::TurnTransport;

fn secret() -> TurnSecret {
    TurnSecret::new(b"north wind").unwrap()
}

/// Answers one datagram after the other with these types and attributes, and gives the types that were asked.
async fn script(answers: &[(u16, &[u8])]) -> (TurnAddress, tokio::task::JoinHandle<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = TurnAddress {
        host: "127.0.0.1".to_owned(),
        port: socket.local_addr().unwrap().port(),
        transport: TurnTransport::Udp,
    };
    let answers: Vec<_> = answers.iter().map(|(kind, rest)| (*kind, rest.to_vec())).collect();
    let playing = tokio::spawn(async move {
        let (mut question, mut asked) = ([0; 512], Vec::new());
        for (kind, rest) in answers {
            let (_, from) = socket.recv_from(&mut question).await.unwrap();
            asked.push(question[1]);
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            let answer = [&kind.to_be_bytes()[..], &length, &question[4..20], &rest].concat();
            socket.send_to(&answer, from).await.unwrap();
        }
        asked
    });
    (address, playing)
}

/// "Unauthorized", with a realm and a nonce of four bytes each.
const UNAUTHORIZED: &[u8] = &[
    0, 9, 0, 4, 0, 0, 4, 1, 0, 0x14, 0, 4, b'r', b'e', b'a', b'l', 0, 0x15, 0, 4, b'o', b'n', b'c', b'e',
];

#[tokio::test]
async fn an_address_is_given_back_that_was_got() {
    let (address, playing) = script(&[(0x0113, UNAUTHORIZED), (0x0103, &[]), (0x0104, &[])]).await;
    assert_eq!(check(&address, &secret()).await, Ok(()));
    assert_eq!(playing.await.unwrap(), [3, 3, 4]);
    let (address, playing) = script(&[(0x0103, &[]), (0x0104, &[])]).await;
    assert_eq!(check(&address, &secret()).await, Ok(()), "it relays for everybody");
    assert_eq!(playing.await.unwrap(), [3, 4]);
}

#[tokio::test]
async fn an_answer_to_a_question_before_and_no_answer_to_the_last_one_are_no_fault() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = TurnAddress {
        host: "127.0.0.1".to_owned(),
        port: socket.local_addr().unwrap().port(),
        transport: TurnTransport::Udp,
    };
    let playing = tokio::spawn(async move {
        let mut question = [0; 512];
        for (kind, rest) in [(0x0113_u16, UNAUTHORIZED), (0x0103, &[][..])] {
            let (_, from) = socket.recv_from(&mut question).await.unwrap();
            let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
            let answer = [&kind.to_be_bytes()[..], &length, &question[4..20], rest].concat();
            // As if the question had been sent twice.
            for _ in 0..2 {
                socket.send_to(&answer, from).await.unwrap();
            }
        }
        std::future::pending::<()>().await;
    });
    assert_eq!(check(&address, &secret()).await, Ok(()));
    playing.abort();
}

#[tokio::test]
async fn each_fault_is_told_from_the_others() {
    let full = &[0, 9, 0, 4, 0, 0, 4, 86][..];
    for (answers, fault) in [
        (
            &[(0x0113, UNAUTHORIZED), (0x0113, UNAUTHORIZED)][..],
            Fault::Credentials,
        ),
        (&[(0x0113, UNAUTHORIZED), (0x0113, full)], Fault::Refused { code: 486 }),
        (&[(0x0101, &[][..])], Fault::Nonsense),
    ] {
        let (address, _playing) = script(answers).await;
        assert_eq!(check(&address, &secret()).await, Err(fault));
    }
    let nobody = TurnAddress {
        host: "127.0.0.1".to_owned(),
        port: 1,
        transport: TurnTransport::Tcp,
    };
    assert_eq!(check(&nobody, &secret()).await, Err(Fault::Unreachable));
}

#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_only_so_long() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = TurnAddress {
        host: "127.0.0.1".to_owned(),
        port: socket.local_addr().unwrap().port(),
        transport: TurnTransport::Udp,
    };
    assert_eq!(check(&address, &secret()).await, Err(Fault::Silent));
}
