//! A component in the page: found by role and accessible name, and acted on.

use wasm_bindgen::JsCast;
use web_sys::{
    Document, Element, HtmlElement, HtmlInputElement, HtmlTextAreaElement, InputEvent, InputEventInit, KeyboardEvent,
    KeyboardEventInit,
};
use yew::{AppHandle, BaseComponent, Renderer};

/// A component in the page; gone when dropped.
pub(crate) struct Shown<C: BaseComponent> {
    root: Element,
    app: Option<AppHandle<C>>,
}

impl<C: BaseComponent> Shown<C> {
    pub(crate) async fn new(props: C::Properties) -> Self {
        let document = web_sys::window().unwrap().document().unwrap();
        dress(&document);
        let root = document.create_element("div").unwrap();
        document.body().unwrap().append_child(&root).unwrap();
        let app = Renderer::<C>::with_root_and_props(root.clone(), props).render();
        let shown = Self { root, app: Some(app) };
        settle().await;
        shown
    }

    /// Until everything that was asked for is drawn.
    pub(crate) async fn settle(&self) {
        settle().await;
    }

    pub(crate) async fn update(&mut self, props: C::Properties) {
        self.app.as_mut().unwrap().update(props);
        settle().await;
    }

    pub(crate) fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let found = self.root.query_selector_all(selector).unwrap();
        (0..found.length())
            .map(|index| found.item(index).unwrap().unchecked_into())
            .collect()
    }

    pub(crate) fn one(&self, selector: &str) -> HtmlElement {
        let mut all = self.all(selector);
        assert_eq!(all.len(), 1, "{selector}");
        all.remove(0)
    }

    /// The button with this accessible name.
    pub(crate) fn button(&self, name: &str) -> HtmlElement {
        let named = |button: &HtmlElement| match button.get_attribute("aria-label") {
            Some(label) => label == name,
            None => button.text_content().unwrap().trim() == name,
        };
        self.all("button")
            .into_iter()
            .find(named)
            .unwrap_or_else(|| panic!("no button {name:?}"))
    }

    pub(crate) async fn click(&self, name: &str) {
        self.button(name).click();
        settle().await;
    }

    pub(crate) fn message_box(&self) -> HtmlTextAreaElement {
        self.one(".composer textarea").unchecked_into()
    }

    pub(crate) async fn write(&self, text: &str) {
        let message_box = self.message_box();
        message_box.set_value(text);
        input_event(&message_box).await;
    }

    /// The same with the cursor behind so many units of UTF-16.
    pub(crate) async fn write_at(&self, text: &str, cursor: u32) {
        let message_box = self.message_box();
        message_box.set_value(text);
        message_box.set_selection_range(cursor, cursor).unwrap();
        input_event(&message_box).await;
    }

    pub(crate) async fn press(&self, init: &KeyboardEventInit) {
        init.set_bubbles(true);
        init.set_cancelable(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", init).unwrap();
        self.message_box().dispatch_event(&event).unwrap();
        settle().await;
    }

    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field: HtmlInputElement = self.one(&format!("input#{id}")).unchecked_into();
        field.set_value(text);
        input_event(&field).await;
    }

    /// Has the log say that it was scrolled, which a browser says only with its next picture.
    pub(crate) async fn scroll(&self) {
        let scrolled = web_sys::Event::new("scroll").unwrap();
        self.one("[role=log]").dispatch_event(&scrolled).unwrap();
        self.settle().await;
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.one(selector).text_content().unwrap()
    }
}

impl<C: BaseComponent> Drop for Shown<C> {
    fn drop(&mut self) {
        if let Some(app) = self.app.take() {
            app.destroy();
        }
        self.root.remove();
    }
}

/// The page as people have it: without its style sheet, Chromium lays out a long text in the message box for half a minute.
fn dress(document: &Document) {
    const ID: &str = "starling-style";
    if document.get_element_by_id(ID).is_none() {
        let style = document.create_element("style").unwrap();
        style.set_id(ID);
        style.set_text_content(Some(include_str!("../../style/starling.css")));
        document.head().unwrap().append_child(&style).unwrap();
    }
}

async fn input_event(element: &HtmlElement) {
    let init = InputEventInit::new();
    init.set_bubbles(true);
    let event = InputEvent::new_with_event_init_dict("input", &init).unwrap();
    element.dispatch_event(&event).unwrap();
    settle().await;
}

/// Until yew has rendered everything that was asked for.
pub(crate) async fn settle() {
    yew::scheduler::flush().await;
}

pub(crate) fn key(name: &str) -> KeyboardEventInit {
    let init = KeyboardEventInit::new();
    init.set_key(name);
    init
}

/// The texts of all elements that fit.
pub(crate) fn texts<C: BaseComponent>(page: &Shown<C>, selector: &str) -> Vec<String> {
    page.all(selector)
        .iter()
        .map(|element| element.text_content().unwrap())
        .collect()
}
