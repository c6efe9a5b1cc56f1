use super::{figures::percentile, *};

fn figures() -> Figures {
    Figures {
        peers: 2,
        joins: [30, 10].map(Duration::from_millis).to_vec(),
        complete: Some(Duration::from_millis(50)),
        links: vec![1, 1],
        heard: Heard {
            said: 4,
            missing: 0,
            disordered: 0,
        },
        order: order_of(["one", "two"].into_iter()),
        delays: (1..=100).map(Duration::from_millis).collect(),
        usage: Usage {
            seconds: 10.0,
            cpu: 1.0,
            memory: 3.0,
            sent: 600,
            received: 400,
        },
        rest: None,
    }
}

#[test]
fn a_percentile_is_the_nearest_rank() {
    let times: Vec<_> = [30, 10, 20].map(Duration::from_millis).to_vec();
    let at = |percent| percentile(&times, percent).map(|at| at.as_millis());
    assert_eq!([at(50), at(95), at(100)], [Some(20), Some(30), Some(30)]);
    assert_eq!(percentile(&[], 50), None);
}

#[test]
fn a_load_is_good_only_if_everything_has_reached_everyone_in_one_order() {
    assert!(figures().are_good());
    for spoil in [
        |figures: &mut Figures| figures.heard.missing = 1,
        |figures: &mut Figures| figures.heard.disordered = 1,
        |figures: &mut Figures| figures.joins.truncate(1),
        |figures: &mut Figures| figures.complete = None,
    ] {
        let mut figures = figures();
        spoil(&mut figures);
        assert!(!figures.are_good(), "{figures:?}");
    }
}

#[test]
fn an_order_is_that_of_the_texts() {
    let of = |texts: [&'static str; 2]| order_of(texts.into_iter());
    assert_eq!(of(["one", "two"]), figures().order);
    assert_ne!(of(["two", "one"]), figures().order);
    assert_ne!(of(["onet", "wo"]), figures().order);
}

#[test]
fn the_table_says_what_one_peer_costs() {
    let text = figures().to_string();
    let has = |name: &str, value: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        assert!(
            line.is_some_and(|line| line.ends_with(value)),
            "{name}: {value}\n{text}"
        );
    };
    has("joined", "2 of 2");
    has("ms to the first link", "10 / 30 / 30 (p50/p95/max)");
    has("ms from saying to showing", "50 / 95 / 99 / 100 (p50/p95/p99/max)");
    has("MiB of memory, a peer", "1.50");
    has("% of a core, a peer, all in all", "5.00");
    has("bytes a second, a peer, all in all", "50");
}
