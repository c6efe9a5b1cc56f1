//! Files over plain http, from an address that no browser trusts: there is no origin-private file system, no worker's lock and no digest.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use tests::{
    browser::BOTH,
    homes::{Lab, Nat},
    page::Page,
    run::run,
    wait::until,
};

use crate::people::{MET, connected, two_people_at};

const PATIENCE: Duration = Duration::from_secs(60);

/// Offers a file of so many bytes; gives a sum over it.
pub(crate) const SEND: &str = "
    const content = new Uint8Array(arguments[0]);
    for (let i = 0; i < content.length; i++) content[i] = (i * 2654435761) >>> 13;
    const data = new DataTransfer();
    data.items.add(new File([content], 'report.pdf', {type: 'application/pdf'}));
    const box = document.querySelector('input[type=file]');
    box.files = data.files;
    box.dispatchEvent(new Event('change', {bubbles: true}));
    return content.reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0);";

/// Gives the same sum over the file that is saved.
pub(crate) const SAVE: &str = "
    const done = arguments[0];
    const make = URL.createObjectURL;
    URL.createObjectURL = blob => {
        blob.arrayBuffer().then(all => done(new Uint8Array(all).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 0)));
        return make.call(URL, blob);
    };
    HTMLAnchorElement.prototype.click = () => {};
    [...document.querySelectorAll('.file .button')].find(button => button.innerText === 'Save').click();";

/// Waits until the messages say this.
pub(crate) async fn shows(page: &Page, words: &str) -> Result<()> {
    until(PATIENCE, || async {
        let log = page
            .run("return document.querySelector('[role=log]')?.innerText ?? ''", vec![])
            .await?;
        let log = log.as_str().unwrap_or_default();
        ensure!(log.contains(words), "{words} is not in {log}");
        Ok(())
    })
    .await
}

#[test]
fn a_file_arrives_over_plain_http_and_stays_over_a_reload() {
    run(async {
        let mut lab = Lab::new()?;
        let hosts = lab.two_homes(Nat::PortRestricted)?;
        let server = lab.server().await?;
        let (ann, bob) = two_people_at(&server, BOTH, hosts.each_ref()).await?;
        connected("a file over plain http", MET, &[&ann, &bob]).await?;
        for page in [&ann, &bob] {
            let found = page
                .run(
                    "return [isSecureContext, navigator.storage?.getDirectory === undefined]",
                    vec![],
                )
                .await?;
            ensure!(found == json!([false, true]), "{found}");
        }
        let sent = ann.run(SEND, vec![json!(2_000_001)]).await?;
        shows(&bob, "report.pdf").await?;
        bob.click("Download").await?;
        shows(&bob, "complete").await?;
        bob.reload().await?;
        shows(&bob, "complete").await?;
        let saved = bob.run_async(SAVE, vec![]).await?;
        ensure!(saved == sent, "{saved} is not {sent}");
        Ok(())
    });
}
