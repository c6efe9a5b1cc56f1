//! What a message says: its blocks and spans as elements of the page. Its text is a peer's, and becomes text nodes and links, never markup.

use std::rc::Rc;

use client::{
    notice::NoticeKind,
    text::{Block, Item, Kind, Line, Mentioned, Span, Who, beside, blocks, collapse, is_lone_emoji},
    words::{label, page},
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, Url};
use yew::{prelude::*, virtual_dom::VText};

use super::{
    copy::write_to_clipboard,
    element::{button, element, words},
    notice::notice_view,
};
use crate::{
    js,
    later::{Part, use_later},
};

/// Properties of [`MessageText`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct MessageTextProps {
    /// What was said.
    pub text: AttrValue,
    /// Who can be mentioned, if somebody may be.
    pub names: Option<Rc<Vec<Mentioned>>>,
}

/// The text of a message, with what stands out in it; a long one is shown in full on demand. Until the later part is there, the text as it was
/// typed.
#[component]
pub fn MessageText(props: &MessageTextProps) -> Html {
    match use_later(Some(())).part() {
        Some(part) => later_text(part, props),
        None => html! { <div class="message-text" dir="auto">{ &props.text }</div> },
    }
}

#[inline(never)]
fn later_text(_: Part, props: &MessageTextProps) -> Html {
    html! { <Formatted ..props.clone() /> }
}

#[component]
fn Formatted(props: &MessageTextProps) -> Html {
    let expanded = use_state(|| false);
    // What came of copying code.
    let said = use_state(|| None::<NoticeKind>);
    let names = props.names.as_ref().map_or(&[][..], |names| names);
    let all = blocks(&props.text, names);
    let beginning = collapse(&all);
    let onclick = {
        let expanded = expanded.clone();
        Callback::from(move |_: MouseEvent| expanded.set(!*expanded))
    };
    let shown = match &beginning {
        Some(beginning) if !*expanded => beginning,
        Some(_) | None => &all,
    };
    let class = if is_lone_emoji(&props.text) {
        "message-text lone-emoji"
    } else {
        "message-text"
    };
    html! {
        <>
            <div {class} dir="auto">
                { those(shown, &said.setter()) }
                { (beginning.is_some() && !*expanded).then_some("…") }
            </div>
            if beginning.is_some() {
                <button type="button" class="button small" aria-expanded={expanded.to_string()} {onclick}>
                    { if *expanded { "Show less" } else { "Show all" } }
                </button>
            }
            if let Some(said) = &*said {
                { notice_view(&said.clone().into(), None, &Callback::noop(), None) }
            }
        </>
    }
}

fn those(blocks: &[Block<'_>], said: &UseStateSetter<Option<NoticeKind>>) -> Html {
    if let [Block::Text(only)] = blocks {
        return lines(only);
    }
    let block = |block: &Block<'_>| match block {
        Block::Text(text) => element("div", "", lines(text)),
        Block::Code(text) => code(text.join("\n"), said),
        Block::List(items) => {
            let is_numbered = items.iter().any(|item| item.number.is_some());
            let tag = if is_numbered { "ol" } else { "ul" };
            element(tag, "said-list", items.iter().map(item).collect())
        }
        Block::Quote(inner) => element("blockquote", "said-quote", those(inner, said)),
    };
    blocks.iter().map(block).collect()
}

fn item(item: &Item<'_>) -> Html {
    let class = ["", "level-1", "level-2", "level-3"].get(item.level).copied();
    html! { <li {class} value={item.number.map(str::to_owned)}>{ line(&item.line) }</li> }
}

fn lines(lines: &[Line<'_>]) -> Html {
    let mut nodes = Vec::new();
    for (number, text) in lines.iter().enumerate() {
        if number > 0 {
            nodes.push(text_node("\n"));
        }
        nodes.push(line(text));
    }
    nodes.into_iter().collect()
}

fn line(line: &Line<'_>) -> Html {
    line.iter().map(span).collect()
}

fn text_node(text: &str) -> Html {
    VText::new(text.to_owned()).into()
}

fn span(span: &Span<'_>) -> Html {
    let text = span.text;
    let mut shown = match span.kind {
        Kind::Plain => text_node(text),
        Kind::Code => words("code", text.to_owned()),
        Kind::Link(address) => link(text, address),
        Kind::Mention(Who::Me) => element("mark", "mention me", text_node(text)),
        Kind::Mention(Who::Other) => element("mark", "mention", text_node(text)),
    };
    if span.look.italic {
        shown = element("em", "", shown);
    }
    if span.look.bold {
        shown = element("strong", "", shown);
    }
    shown
}

/// A link, and beside it the host that the browser will ask, where that is not what one sees.
fn link(text: &str, address: &str) -> Html {
    // What a browser cannot read leads nowhere.
    let Ok(url) = Url::new(address) else {
        return text_node(text);
    };
    let host = url.host();
    // An address has one direction, whatever is in it; a name may have another.
    let dir = if text == address { "ltr" } else { "auto" };
    html! {
        <>
            // A new tab that neither knows where it comes from nor reaches back.
            <a href={address.to_owned()} target="_blank" rel="noopener noreferrer nofollow" {dir}>{ text_node(text) }</a>
            if let Some(beside) = beside(text, address, &host) {
                <small class="leads-to">{ " (" }{ page::leads_to(beside) }<bdi dir="ltr">{ host }</bdi>{ ")" }</small>
            }
        </>
    }
}

/// Lines of code, and the button that copies them. Where the page may not use the clipboard, they are selected, for the person to copy.
fn code(text: String, said: &UseStateSetter<Option<NoticeKind>>) -> Html {
    let copy = {
        let (said, text) = (said.clone(), text.clone());
        Callback::from(move |event: MouseEvent| {
            let (said, text) = (said.clone(), text.clone());
            let code = event.target_unchecked_into::<Element>().previous_element_sibling();
            spawn_local(async move {
                said.set(Some(if write_to_clipboard(&text).await {
                    NoticeKind::Copied
                } else {
                    if let Some(code) = code {
                        js::select_text(&code);
                    }
                    NoticeKind::Selected
                }));
            });
        })
    };
    html! {
        <div class="code-block">
            // It scrolls, so it can be reached by keys.
            <pre dir="ltr" tabindex="0" role="group" aria-label={label::CODE}>{ text }</pre>
            { button("button small", label::COPY_CODE, copy) }
        </div>
    }
}
