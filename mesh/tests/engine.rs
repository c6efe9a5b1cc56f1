//! The simulator as a test of the machine below: whatever runs WebAssembly here runs a room of the whole core, too.

#![cfg(feature = "sim")]

use mesh::sim::{LinkDigest, Scenario, run};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn a_room_that_churns_breaks_no_bound() {
    let report = run(Scenario::Churn, 12, 1, LinkDigest::Omitted);
    assert_eq!(report.broken, []);
    assert_eq!((report.missed, report.duplicated, report.forged), (0, 0, 0));
    assert!(report.degree_min > 0, "there is a room");
}
