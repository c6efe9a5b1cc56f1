//! A session, fed alone.

use super::*;

const ID: SessionId = SessionId::from_bytes([1; 16]);
const LINK: LinkId = LinkId(1);
const NOW: Instant = Instant::from_millis(100_000);

fn start() -> (Session, Vec<Action>) {
    let mut out = Vec::new();
    let session = Session::start(&Context::test(1), ID, LINK, vec![], false, &mut out);
    (session, out)
}

fn candidate(line: &str) -> Candidate {
    Candidate {
        line: format!("candidate:1 1 udp 1 192.0.2.1 9 typ host {line}"),
        mid: None,
    }
}

#[test]
fn under_the_policy_relay_only_relayed_candidates_go_out_whatever_the_driver_finds() {
    let mut cx = Context::test(1);
    cx.transport_policy = TransportPolicy::Relay;
    let relayed = Candidate {
        line: "candidate:1 1 udp 1 198.51.100.4 9 typ relay raddr 0.0.0.0 rport 9".into(),
        mid: None,
    };
    let found = vec![candidate("own"), relayed.clone()];
    let mut out = Vec::new();
    let mut offerer = Session::start(&cx, ID, LINK, vec![], false, &mut out);
    offerer.handle_description("offer".into(), NOW, &Timing::default(), &mut out);
    // Of a session that was agreed on by hand, as of the ICE restarts of each.
    let mut by_hand = Session::agreed(&cx, Role::Answerer, ID, LINK, Certificates::default());
    for session in [&mut offerer, &mut by_hand] {
        out.clear();
        session.handle_candidates(found.clone(), &mut out);
        let candidates = vec![relayed.clone()];
        assert_eq!(out, [Action::Send(Body::Candidates { candidates })]);
    }
    assert_eq!(offerer.obstacle(), Some(Obstacle::OwnPolicy), "no relay was named");
}

#[test]
fn of_the_peers_candidates_only_so_many_usable_ones_reach_the_driver() {
    let (mut session, mut out) = start();
    out.clear();
    let tcp = Candidate {
        line: "candidate:1 1 tcp 1 192.0.2.1 22 typ host tcptype passive".into(),
        mid: None,
    };
    session.on_candidates(vec![tcp.clone()], &mut out);
    assert_eq!(out, []);
    session.on_candidates(vec![tcp, candidate("one")], &mut out);
    let handed = |candidates| Action::Output(Output::RemoteCandidates { link: LINK, candidates });
    assert_eq!(out, [handed(vec![candidate("one")])]);
    out.clear();
    for _ in 0..3 {
        session.on_candidates(vec![candidate("more"); CANDIDATES_MAX], &mut out);
    }
    assert_eq!(out, [handed(vec![candidate("more"); CANDIDATES_MAX - 1])]);
}

#[test]
fn the_offerer_dials_offers_and_applies_one_answer() {
    let (mut session, mut out) = start();
    assert_eq!(
        out,
        [Action::Output(Output::Dial {
            link: LINK,
            ice_servers: vec![]
        })]
    );
    out.clear();
    session.handle_candidates(vec![candidate("early")], &mut out);
    assert_eq!(out, [], "candidates wait for the offer");
    session.handle_description("offer".into(), NOW, &Timing::default(), &mut out);
    assert_eq!(
        out,
        [
            Action::Send(Body::Offer {
                version: PROTOCOL_VERSION,
                round: 0,
                sdp: "offer".into(),
                urgent: false,
            }),
            Action::Send(Body::Candidates {
                candidates: vec![candidate("early")]
            }),
        ]
    );
    out.clear();
    assert!(!session.on_answer(1, "wrong round".into(), &mut out));
    assert!(session.on_answer(0, "answer".into(), &mut out));
    assert!(!session.on_answer(0, "again".into(), &mut out));
    assert_eq!(
        out,
        [Action::Output(Output::RemoteAnswer {
            link: LINK,
            sdp: "answer".into()
        })]
    );
}

#[test]
fn a_session_is_bound_to_the_certificates_of_its_first_descriptions() {
    let sdp = |byte: &str| format!("v=0\r\na=fingerprint:sha-256 {}\r\n", [byte; 32].join(":"));
    let mut out = Vec::new();
    let mut session = Session::answer(&Context::test(1), ID, LINK, vec![], sdp("ab"), &mut out);
    session.handle_description(sdp("CD"), NOW, &Timing::default(), &mut out);
    let (me, peer) = (PeerId::from_bytes([1; 32]), PeerId::from_bytes([2; 32]));
    let binding = Binding {
        session: ID,
        from: me,
        to: peer,
        own_certificate: ["CD"; 32].join(":"),
        other_certificate: ["AB"; 32].join(":"),
    };
    assert_eq!(session.binding(me, peer), binding);
    assert!(
        !session.on_restart(1, sdp("ef"), vec![], &mut out),
        "another certificate"
    );
    assert!(session.on_restart(1, sdp("AB"), vec![], &mut out));
    assert_eq!(session.binding(me, peer), binding);
}

#[test]
fn an_ice_restart_is_offered_and_answered_in_a_new_round() {
    let (mut offerer, mut out) = start();
    offerer.handle_description("offer".into(), NOW, &Timing::default(), &mut out);
    offerer.on_answer(0, "answer".into(), &mut out);
    out.clear();
    offerer.restart(vec![], &mut out);
    offerer.handle_description("offer 1".into(), NOW, &Timing::default(), &mut out);
    assert_eq!(
        out[1],
        Action::Send(Body::Offer {
            version: PROTOCOL_VERSION,
            round: 1,
            sdp: "offer 1".into(),
            urgent: false,
        })
    );

    let mut out = Vec::new();
    let mut answerer = Session::answer(&Context::test(1), ID, LINK, vec![], "offer".into(), &mut out);
    answerer.handle_description("answer".into(), NOW, &Timing::default(), &mut out);
    out.clear();
    assert!(!answerer.on_restart(0, "replayed".into(), vec![], &mut out));
    assert!(answerer.on_restart(1, "offer 1".into(), vec![], &mut out));
    answerer.handle_description("answer 1".into(), NOW, &Timing::default(), &mut out);
    assert_eq!(
        out[1],
        Action::Send(Body::Answer {
            round: 1,
            sdp: "answer 1".into()
        })
    );
}
