//! The page as a person meets it: found by role and accessible name, acted on, and looked at.
//!
//! A person waits until something appears, and so does every check here. A check looks again until it holds or [`PATIENCE`] is
//! over. A check that failed says what was there instead.

mod menus;
mod scan;
pub mod view;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use fantoccini::{Locator, elements::Element, key::Key, wd::WindowHandle};
use http::Method;
use serde_json::{Value, json};

use self::{
    scan::{Picture, SCAN},
    view::{LOOK, View},
};
use crate::{
    browser::{Browser, answered},
    server::output_folder,
    wait,
};

/// How long something may take that has no bound of its own. Never used up by a test that passes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A tab.
#[derive(Debug, Clone)]
pub struct Page {
    browser: Browser,
    window: WindowHandle,
}

impl Page {
    pub(crate) const fn new(browser: Browser, window: WindowHandle) -> Self {
        Self { browser, window }
    }

    /// The browser whose tab it is.
    #[must_use]
    pub const fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Opens an address.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn goto(&self, url: &str) -> Result<()> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().goto(url))
            .await
            .with_context(|| format!("cannot open {url}"))
    }

    /// Reloads the page.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn reload(&self) -> Result<()> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().refresh()).await
    }

    /// Closes the tab.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn close(self) -> Result<()> {
        let mut focus = self.browser.focus(&self.window).await?;
        answered(focus.client().close_window()).await?;
        focus.forget();
        Ok(())
    }

    /// Minimises the tab's window, so that the page is hidden.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn minimise(&self) -> Result<()> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().minimize_window()).await
    }

    /// The address.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn url(&self) -> Result<String> {
        let focus = self.browser.focus(&self.window).await?;
        Ok(answered(focus.client().current_url()).await?.into())
    }

    /// Chooses a file with this text in a box for files.
    ///
    /// # Errors
    /// If there is no such box.
    pub async fn choose_file(&self, selector: &str, text: &str) -> Result<()> {
        self.run(include_str!("page/choose_file.js"), vec![json!(selector), json!(text)])
            .await?;
        Ok(())
    }

    /// Runs a script in the page and gives what it returns.
    ///
    /// # Errors
    /// If it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().execute(script, arguments)).await
    }

    /// Runs a script in the page that calls its last argument with the result.
    ///
    /// # Errors
    /// If it throws.
    pub async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().execute_async(script, arguments)).await
    }

    /// Sends a WebDriver command by its path below the session.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn command(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let focus = self.browser.focus(&self.window).await?;
        focus.command(method, path, body).await
    }

    /// Sends a command of Chromium's DevTools.
    ///
    /// # Errors
    /// If it is refused, or if this is not Chromium.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({"cmd": command, "params": parameters});
        self.command(Method::POST, "goog/cdp/execute", Some(body)).await
    }

    /// A picture of the visible part of the page, as PNG.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn screenshot(&self) -> Result<Vec<u8>> {
        let focus = self.browser.focus(&self.window).await?;
        answered(focus.client().screenshot()).await
    }

    /// Looks at the page.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn look(&self) -> Result<View> {
        serde_json::from_value(self.run(LOOK, Vec::new()).await?).context("look.js and View differ")
    }

    /// The text that a scanner reads from a QR code, once the code is there. Found by the image's accessible name.
    ///
    /// # Errors
    /// If it is not in time, or cannot be read.
    pub async fn scan(&self, image: &str) -> Result<String> {
        let seen = wait::until(PATIENCE, || async {
            let seen = self.run(SCAN, vec![json!(image)]).await?;
            serde_json::from_value::<Option<Picture>>(seen)?.context("there is no such image")
        });
        let read = async { seen.await?.read() };
        read.await
            .with_context(|| format!("cannot scan “{image}” in {:?}", self.browser))
    }

    /// Looks until `expected` holds; `what` says it in words.
    ///
    /// # Errors
    /// If it does not hold within [`PATIENCE`].
    pub async fn wait(&self, what: &str, expected: impl Fn(&View) -> bool) -> Result<View> {
        self.wait_for(PATIENCE, what, expected).await
    }

    /// Looks until `expected` holds, at most for `patience`.
    ///
    /// # Errors
    /// If it does not hold in time.
    pub async fn wait_for(&self, patience: Duration, what: &str, expected: impl Fn(&View) -> bool) -> Result<View> {
        let started = Instant::now();
        let seen = wait::until(patience, || async {
            let view = self.look().await.map_err(Seen::Error)?;
            if expected(&view) {
                Ok(view)
            } else {
                Err(Seen::Otherwise(Box::new(view)))
            }
        });
        match seen.await {
            Ok(view) => Ok(view),
            Err(Seen::Error(error)) => Err(error.context(format!("waited for: {what}"))),
            Err(Seen::Otherwise(view)) => Err(self
                .failed(&format!("waited {:?} for: {what}", started.elapsed()), &view)
                .await),
        }
    }

    /// Looks for the whole `duration` whether `expected` holds.
    ///
    /// # Errors
    /// If it does not hold at some time.
    pub async fn holds(&self, duration: Duration, what: &str, expected: impl Fn(&View) -> bool) -> Result<()> {
        let started = Instant::now();
        wait::throughout(duration, || async {
            let view = self.look().await?;
            if expected(&view) {
                return Ok(());
            }
            Err(self
                .failed(
                    &format!("after {:?} it no longer held: {what}", started.elapsed()),
                    &view,
                )
                .await)
        })
        .await
    }

    /// Says what was seen instead, and keeps a picture of it. What was waited for stands last: of a long log the end is shown.
    async fn failed(&self, what: &str, view: &View) -> anyhow::Error {
        let picture = async {
            let path = output_folder("e2e-failures")?.join(format!("{}.png", std::process::id()));
            std::fs::write(&path, self.screenshot().await?)?;
            Ok::<_, anyhow::Error>(path.display().to_string())
        };
        let picture = picture.await.unwrap_or_else(|error| format!("no picture: {error:#}"));
        anyhow!("{:?} shows {view:#?}\n{picture}\n{what}", self.browser)
    }

    /// Clicks a button once it can be clicked.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn click(&self, button: &str) -> Result<()> {
        self.act(Role::Button, button, Act::Click).await
    }

    /// Chooses one of several by a radio button.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn pick(&self, option: &str) -> Result<()> {
        self.act(Role::Radio, option, Act::Click).await
    }

    /// Types into a text field, behind the text that is there.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn type_into(&self, field: &str, text: &str) -> Result<()> {
        self.act(Role::Textbox, field, Act::Type(text)).await
    }

    /// Puts the cursor into a text field.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn focus(&self, field: &str) -> Result<()> {
        self.act(Role::Textbox, field, Act::Click).await
    }

    /// Replaces the text in a text field, as pasting does: for long texts, and for characters that drivers cannot type.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn paste(&self, field: &str, text: &str) -> Result<()> {
        self.act(Role::Textbox, field, Act::Paste(text)).await
    }

    /// Copies a text as a person does, from a field that is there only meanwhile.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn copy_by_keys(&self, text: &str) -> Result<()> {
        const SOURCE: &str = "
            const source = document.body.appendChild(document.createElement('textarea'));
            source.value = arguments[0];
            source.focus();
            source.select();
            window.source = source;";
        self.run(SOURCE, vec![json!(text)]).await?;
        self.press_with(Key::Control, 'c').await?;
        self.run("window.source.remove()", Vec::new()).await?;
        Ok(())
    }

    /// Replaces the text in a text field by the copied text, by keys alone: as slow or fast as it is for a person.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn paste_by_keys(&self, field: &str) -> Result<()> {
        self.focus(field).await?;
        self.press_with(Key::Control, 'a').await?;
        self.press_with(Key::Control, 'v').await
    }

    /// Says something to everyone.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn say(&self, text: &str) -> Result<()> {
        self.paste("Message", text).await?;
        self.click("Send").await
    }

    /// Presses keys one after the other, wherever the cursor is.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn press(&self, keys: impl IntoIterator<Item = Key>) -> Result<()> {
        let keys: String = keys.into_iter().map(char::from).collect();
        self.type_anywhere(&keys).await
    }

    /// Presses a key while another one is held down, wherever the cursor is.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn press_with(&self, held: Key, key: impl Into<char>) -> Result<()> {
        let [held, key] = [char::from(held), key.into()].map(String::from);
        let strokes = [("keyDown", held.clone()), ("keyDown", key.clone())];
        let releases = [("keyUp", key), ("keyUp", held)];
        let actions: Vec<Value> = strokes
            .into_iter()
            .chain(releases)
            .map(|(kind, value)| json!({"type": kind, "value": value}))
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.command(Method::POST, "actions", Some(body)).await?;
        Ok(())
    }

    /// Types wherever the cursor is.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn type_anywhere(&self, text: &str) -> Result<()> {
        let strokes: Vec<Value> = text
            .chars()
            .flat_map(|key| {
                [
                    json!({"type": "keyDown", "value": key}),
                    json!({"type": "keyUp", "value": key}),
                ]
            })
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command(Method::POST, "actions", Some(body)).await?;
        Ok(())
    }

    /// Role and accessible name of the element with the cursor, as assistive technology hears them.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn focused(&self) -> Result<(String, String)> {
        let focus = self.browser.focus(&self.window).await?;
        let element = answered(focus.client().active_element()).await?;
        let computed = async |what: &str| {
            let path = format!("element/{}/{what}", element.element_id().as_ref());
            let value = focus.command(Method::GET, &path, None).await?;
            Ok::<_, anyhow::Error>(value.as_str().unwrap_or_default().to_owned())
        };
        Ok((computed("computedrole").await?, computed("computedlabel").await?))
    }

    /// Role and accessible name, as the browser computes them, of every element that fits a CSS selector.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn computed(&self, selector: &str) -> Result<Vec<(String, String)>> {
        let focus = self.browser.focus(&self.window).await?;
        let mut computed = Vec::new();
        for element in answered(focus.client().find_all(Locator::Css(selector))).await? {
            let mut both = [String::new(), String::new()];
            for (what, value) in ["computedrole", "computedlabel"].into_iter().zip(&mut both) {
                let path = format!("element/{}/{what}", element.element_id().as_ref());
                *value = focus
                    .command(Method::GET, &path, None)
                    .await?
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
            }
            let [role, name] = both;
            computed.push((role, name));
        }
        Ok(computed)
    }

    /// Does `act` with the one element of this role and name, and tries again while it is not there or something covers it.
    async fn act(&self, role: Role, name: &str, act: Act<'_>) -> Result<()> {
        let done = wait::until(PATIENCE, || async {
            let focus = self.browser.focus(&self.window).await?;
            let mut found = Vec::new();
            for element in answered(focus.client().find_all(Locator::Css(role.selector()))).await? {
                let path = format!("element/{}/computedlabel", element.element_id().as_ref());
                if focus.command(Method::GET, &path, None).await?.as_str() == Some(name) {
                    found.push(element);
                }
            }
            let element = match found.len() {
                1 => found.remove(0),
                0 => bail!("there is no such {role:?}"),
                many => bail!("there are {many} such {role:?}s"),
            };
            match act {
                Act::Click => answered(element.click()).await,
                Act::Type(text) => answered(element.send_keys(text)).await,
                Act::Paste(text) => paste(&focus, &element, text).await,
            }
        });
        done.await
            .with_context(|| format!("{act} {role:?} “{name}” in {:?}", self.browser))
    }
}

/// The result of a look that was not as expected.
enum Seen {
    Otherwise(Box<View>),
    Error(anyhow::Error),
}

/// A role as the page contract uses it.
#[derive(Debug, Clone, Copy)]
enum Role {
    Button,
    MenuItem,
    Radio,
    Textbox,
}

impl Role {
    /// The elements that can have this role.
    const fn selector(self) -> &'static str {
        match self {
            Self::Button => "button:not([role]), summary, [role=button]",
            Self::MenuItem => "[role^=menuitem]",
            Self::Radio => "input[type=radio]",
            Self::Textbox => "input:not([type]), input[type=text], input[type=search], textarea, [role=textbox]",
        }
    }
}

/// An action on an element.
#[derive(Debug, Clone, Copy)]
enum Act<'a> {
    Click,
    Type(&'a str),
    Paste(&'a str),
}

impl std::fmt::Display for Act<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Click => "cannot click",
            Self::Type(_) => "cannot type into",
            Self::Paste(_) => "cannot paste into",
        })
    }
}

/// Selects the text in a field and inserts `text` instead, through the browser's own editing, so that the page hears of it as of typing.
async fn paste(focus: &crate::browser::Focused<'_>, element: &Element, text: &str) -> Result<()> {
    const PASTE: &str = "
        const [field, text] = arguments;
        field.focus();
        field.select();
        if (text === '') document.execCommand('delete');
        else document.execCommand('insertText', false, text);
        return field.value === text;
    ";
    let arguments = vec![serde_json::to_value(element)?, json!(text)];
    let pasted = answered(focus.client().execute(PASTE, arguments)).await?;
    if pasted != json!(true) {
        bail!("the field holds something else");
    }
    Ok(())
}
