//! A test leaves no networks behind, in whatever way it ends.

use std::{
    panic,
    process::{self, Command},
    time::Duration,
};

use tests::{
    homes::{Lab, Nat, existing},
    run::{run, run_alone},
};

/// How many namespaces there are of the process with this id.
fn of(process: u32) -> usize {
    let prefix = format!("starling-{process}-");
    existing()
        .iter()
        .filter(|namespace| namespace.to_string().starts_with(&prefix))
        .count()
}

/// Alone, because others of this process have labs of their own.
#[test]
fn a_lab_is_gone_after_a_panic() {
    run_alone(Duration::from_secs(60), async {
        let made = panic::catch_unwind(|| {
            let mut lab = Lab::new().unwrap();
            let home = lab.home(Nat::PortRestricted).unwrap();
            lab.host(&home).unwrap();
            assert_eq!(of(process::id()), 0, "the test fails here");
        });
        assert!(made.is_err());
        assert_eq!(of(process::id()), 0);
        Ok(())
    });
}

#[test]
fn a_lab_of_a_killed_test_is_removed_by_the_next_one_with_all_that_runs_in_it() {
    run(async {
        let mut killed = Command::new("true").spawn()?;
        killed.wait()?;
        let name = format!("starling-{}-0-hub", killed.id());
        assert!(Command::new("ip").args(["netns", "add", &name]).status()?.success());
        let mut left = Command::new("ip")
            .args(["netns", "exec", &name, "sleep", "infinity"])
            .spawn()?;
        // It is inside once it has become the program.
        while !std::fs::read_to_string(format!("/proc/{}/comm", left.id()))?.starts_with("sleep") {
            assert!(left.try_wait()?.is_none(), "it has ended");
        }
        let lab = Lab::new()?;
        assert_eq!(of(killed.id()), 0);
        assert!(of(process::id()) > 0, "the living keep theirs");
        assert!(!left.wait()?.success(), "it was killed");
        drop(lab);
        Ok(())
    });
}
