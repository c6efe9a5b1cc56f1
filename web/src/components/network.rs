//! The room's network: a picture, a table of our own links, and how many people there are.

use std::{fmt::Write, rc::Rc};

use client::{
    config::{MAP_HEIGHT, MAP_WIDTH},
    layout::Layout,
    room::RoomState,
    standing::reach,
    text::short,
    words::{self as say, label, page},
};
use gloo_timers::callback::{Interval, Timeout};
use mesh::model::Network;
use shared::PeerId;
use web_sys::Element;
use yew::prelude::*;

use super::{
    element::{button, element, path, picture, words},
    later::waiting,
};
use crate::{
    clock,
    config::{LOOK_EVERY, MAP_FRAME, MAP_FRAME_NODES, MAP_NAMES_MAX, OUT_OF_VIEW},
    js,
    later::{Later, Part, use_later},
};

/// Properties of [`NetworkPanel`].
#[derive(Debug, Clone, Properties)]
pub struct NetworkPanelProps {
    /// The room.
    pub state: Rc<RoomState>,
    /// What was last seen of its network.
    pub network: Option<Rc<Network>>,
    /// Asks for another look. Called once a second while the region is in view, and every five seconds
    /// while only the rest of the page is.
    pub on_look: Callback<()>,
    /// Whether it is folded up at first.
    pub folded: bool,
    /// Called with whether it is folded up from now on.
    pub on_fold: Callback<bool>,
    /// The person wants to see the picture large. The same for as long as the room is shown.
    pub on_enlarge: Callback<()>,
}

/// Whether the same is to be drawn. Of the room only names are: a message is no reason to draw the map anew.
impl PartialEq for NetworkPanelProps {
    fn eq(&self, other: &Self) -> bool {
        let (state, others) = (&self.state, &other.state);
        self.network == other.network
            && state.people == others.people
            && state.my_name == others.my_name
            && self.on_look == other.on_look
            && self.on_fold == other.on_fold
    }
}

/// The region "Network". It can be folded up.
#[component]
pub fn NetworkPanel(props: &NetworkPanelProps) -> Html {
    let open = use_state(|| !props.folded);
    let later = use_later(open.then_some(()));
    let region = use_node_ref();
    {
        let region = region.clone();
        use_effect_with(props.on_look.clone(), move |on_look| {
            let on_look = on_look.clone();
            let mut looks: u32 = 0;
            let mut look = move || {
                // Folded up, there is only the heading and how many there are; and nothing has a height while a phone has no room for it.
                let in_view = region
                    .cast::<Element>()
                    .is_some_and(|region| region.child_element_count() > 2 && region.client_height() > 0);
                if (in_view || looks.is_multiple_of(OUT_OF_VIEW)) && !js::document().hidden() {
                    on_look.emit(());
                }
                looks = looks.wrapping_add(1);
            };
            look();
            let interval = Interval::new(clock::millis(LOOK_EVERY), look);
            move || drop(interval)
        });
    }

    let toggle = {
        let (open, on_fold) = (open.clone(), props.on_fold.clone());
        Callback::from(move |_: MouseEvent| {
            on_fold.emit(*open);
            open.set(!*open);
        })
    };
    let network = props.network.as_ref();
    html! {
        <section ref={region} class="network" aria-label={label::NETWORK}>
            <h2>
                <button type="button" class="fold" aria-expanded={open.to_string()} onclick={toggle}>{ label::NETWORK }</button>
            </h2>
            { network.map(|network| words("p", format!("Network size: {}", network.size))) }
            if *open {
                { network.map(|network| match later {
                    Later::Here(part) => later_view(part, props, network),
                    Later::Coming | Later::Missing => waiting(later),
                }) }
            }
        </section>
    }
}

#[inline(never)]
fn later_view(_: Part, props: &NetworkPanelProps, network: &Rc<Network>) -> Html {
    let state = &props.state;
    html! {
        <>
            if let Some(split) = reach(network) {
                { element("p", "network-split", format!("{}. Looking for the others…", say::reach(split)).into()) }
            }
            <NetworkMap me={state.me} network={network.clone()} />
            { button("button small", label::LARGE_MAP, props.on_enlarge.reform(|_: MouseEvent| ())) }
            if network.nodes.iter().any(|node| !node.on_server) {
                { element("p", "aside", page::RINGS.into()) }
            }
            if !network.links.is_empty() {
                { links(state, network) }
            }
        </>
    }
}

/// Properties of [`NetworkMap`].
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct NetworkMapProps {
    /// Who we are.
    pub me: PeerId,
    /// What was last seen of the network.
    pub network: Rc<Network>,
}

/// The picture of a network. It moves until it has settled.
#[component]
pub fn NetworkMap(NetworkMapProps { me, network }: &NetworkMapProps) -> Html {
    let layout = use_mut_ref(Layout::default);
    let frame = use_force_update();
    {
        let mut layout = layout.borrow_mut();
        // One dot has nowhere to go.
        if layout.update(network) && (network.nodes.len() == 1 || js::prefers_reduced_motion()) {
            layout.settle();
        }
    }
    {
        let layout = layout.clone();
        let steps = u32::try_from(network.nodes.len().div_ceil(MAP_FRAME_NODES))
            .unwrap_or(1)
            .max(1);
        use_effect(move || {
            let moving = !layout.borrow().is_settled();
            let timeout = moving.then(|| {
                Timeout::new(clock::millis(MAP_FRAME * steps), move || {
                    for _ in 0..steps {
                        layout.borrow_mut().step();
                    }
                    frame.force_update();
                })
            });
            move || drop(timeout)
        });
    }
    map(*me, network, &layout.borrow())
}

/// Whatever looks alike is one path: a dot is a line without length and with round ends.
fn map(myself: PeerId, network: &Network, layout: &Layout) -> Html {
    let points: Vec<_> = layout.points().collect();
    let link_with = |index: usize| {
        let peer = network.nodes[index].peer;
        network.links.iter().find(|link| link.peer == peer)
    };
    let [mut others, mut first, mut reserve, mut dots, mut rings] = [const { String::new() }; 5];
    let mut labels = Vec::new();
    let mut me = (0, 0);
    for edge in &network.edges {
        let (one, other) = (edge.one as usize, edge.other as usize);
        let ((x1, y1), (x2, y2)) = (points[one], points[other]);
        let own = [(one, other), (other, one)]
            .into_iter()
            .find(|(end, _)| network.nodes[*end].peer == myself)
            .and_then(|(me, other)| Some((points[me], points[other], link_with(other)?)));
        let path = match own {
            None => &mut others,
            Some((.., link)) if link.eager => &mut first,
            Some(_) => &mut reserve,
        };
        line(path, (x1, y1), (x2, y2));
        if let Some((from, to, link)) = own
            && let Some(round_trip) = link.round_trip
        {
            // Beyond the middle: all of them begin at the same node.
            let part = |from: i16, to: i16| from + (to - from) * 5 / 8;
            labels.push(label(
                "map-time",
                (part(from.0, to.0), part(from.1, to.1)),
                say::millis(round_trip),
            ));
        }
    }
    for (index, node) in network.nodes.iter().enumerate() {
        let (x, y) = points[index];
        line(&mut dots, (x, y), (x, y));
        if !node.on_server {
            line(&mut rings, (x, y), (x, y));
        }
        let mine = node.peer == myself;
        if mine {
            me = (x, y);
        }
        if mine || network.nodes.len() <= MAP_NAMES_MAX || link_with(index).is_some() {
            let name = if mine {
                label::YOU.to_owned()
            } else {
                node.name.as_deref().map_or_else(|| node.peer.fingerprint(), short)
            };
            labels.push(label("map-name", (x, y + 19), name));
        }
    }
    let mut mine = String::new();
    line(&mut mine, me, me);
    let paths = [
        ("", others),
        ("map-reserve", reserve),
        ("map-first", first),
        ("map-me", mine),
        ("map-dots", dots),
        ("map-rings", rings),
    ];
    let paths = paths.into_iter().map(|(class, d)| path(class, d));
    let frame = (MAP_WIDTH.into(), MAP_HEIGHT.into());
    picture("map", label::NETWORK_MAP, frame, paths.chain(labels).collect())
}

fn line(path: &mut String, (x1, y1): (i16, i16), (x2, y2): (i16, i16)) {
    // A string takes whatever is written to it.
    let _ = write!(path, "M{x1} {y1}L{x2} {y2}");
}

fn label(class: &'static str, (x, y): (i16, i16), text: String) -> Html {
    html! { <text {class} x={x.to_string()} y={y.to_string()}>{ text }</text> }
}

/// The table "Links".
fn links(state: &RoomState, network: &Network) -> Html {
    let titles = ["Person", "Kind", "Round trip", "Since", "Messages"];
    let rows = network.links.iter().map(|link| {
        let round_trip = link.round_trip.map_or_else(String::new, say::millis);
        let messages = if link.eager { "main" } else { "backup" };
        let cells = [
            say::link_kind(link.kind).into(),
            round_trip,
            say::lasted(link.age),
            messages.into(),
        ];
        let person = element("th", "", words("bdi", state.name_of(&link.peer)));
        row([person]
            .into_iter()
            .chain(cells.map(|cell| words("td", cell)))
            .collect())
    });
    html! {
        <table aria-label={label::LINKS}>
            { element("thead", "", row(titles.map(|title| words("th", title)).into_iter().collect())) }
            { element("tbody", "", rows.collect()) }
        </table>
    }
}

fn row(cells: Html) -> Html {
    element("tr", "", cells)
}
