//! Many peers in one process.

use super::Machine;

#[tokio::test(flavor = "multi_thread")]
async fn a_load_of_twelve_hears_everything_in_one_order_and_ends_by_itself() {
    let machine = Machine::start().await;
    let link = machine.link();
    let arguments = [
        "load",
        &link,
        "--peers",
        "12",
        "--arrivals",
        "12",
        "--seconds",
        "2",
        "--json",
    ];
    let mut command = machine.command(&arguments);
    let output = command.output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    for part in [
        r#""joined":12"#,
        r#""said":10"#,
        r#""missing":0"#,
        r#""disordered":0"#,
        r#""good":true"#,
    ] {
        assert!(printed.contains(part), "{part} is not in {printed}");
    }
}
