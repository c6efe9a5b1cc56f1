//! Menus: of the room, and of a message.

use anyhow::Result;
use serde_json::json;

use super::{Act, Page, Role};

impl Page {
    /// Chooses from the menu of the room.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn choose(&self, item: &str) -> Result<()> {
        self.click("Room menu").await?;
        self.act(Role::MenuItem, item, Act::Click).await
    }

    /// Chooses from the menu of the message of this text.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn choose_of(&self, text: &str, item: &str) -> Result<()> {
        self.open_actions(text).await?;
        self.act(Role::MenuItem, item, Act::Click).await
    }

    /// Opens the menu of the message of this text.
    ///
    /// # Errors
    /// If it cannot in time.
    pub async fn open_actions(&self, text: &str) -> Result<()> {
        self.wait("the message", |view| view.has(text)).await?;
        // One that is open closes first.
        let open = "const [text, done] = arguments;
            const is_it = (article) => article.querySelector('.message-text').textContent === text;
            const open = () => {
                if (document.querySelector('[role^=menuitem]')) return setTimeout(open, 20);
                const button = [...document.querySelectorAll('article')].findLast(is_it).querySelector('[aria-label=Actions]');
                // As a press does.
                button.focus();
                button.click();
                done();
            };
            open();";
        self.run_async(open, vec![json!(text)]).await?;
        Ok(())
    }

    /// The items of the menu that is open, or about to be.
    ///
    /// # Errors
    /// If the browser does not answer.
    pub async fn menu(&self) -> Result<String> {
        let items = "const done = arguments[0];
            const look = () => {
                const items = [...document.querySelectorAll('[role^=menuitem]')].map((item) => item.textContent);
                items.length > 0 ? done(items.join(' ')) : setTimeout(look, 20);
            };
            look();";
        let items = self.run_async(items, vec![]).await?;
        Ok(items.as_str().unwrap_or_default().to_owned())
    }
}
