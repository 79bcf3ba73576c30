//! Everything that can be asked of the engine, as data: it can be stored with a timer and compared with a retry.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    company::commands::{CompanyAction, CompanyCommand},
    ids::{CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, StreamId, WebhookId},
    names::{CompanyName, CugId, Cupid, Domain, MessageId, OrderReference, ResellerCode, SalesTag, SiteName},
    notice::NoticeType,
    number::{NumberRange, NumberSet},
    number_block::commands::{BlockAction, BlockCommand},
    order::{
        commands::{OrderAction, OrderCommand},
        line::{LineNumber, LineRequest, NumberAsk},
    },
    port_request::commands::{PortAction, PortCommand},
    reseller::commands::{ResellerAction, ResellerCommand},
    webhook::{
        commands::{WebhookAction, WebhookCommand},
        values::{EndpointUrl, SigningKey, WebhookDescription},
    },
};

/// Something to be done. Where it touches one aggregate alone, it carries that aggregate's own command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Let a new reseller order. Answers with `reseller`.
    CreateReseller {
        /// The reseller id of the trade.
        code: ResellerCode,
        /// Its own customer id.
        cug_id: CugId,
        /// Its sales tag.
        sales_tag: SalesTag,
        /// Its name.
        name: CompanyName,
    },
    /// Something about a reseller.
    Reseller {
        /// Which.
        reseller: ResellerId,
        /// What.
        command: ResellerCommand,
    },
    /// End a suspended reseller that has no live company.
    CloseReseller {
        /// Which.
        reseller: ResellerId,
    },
    /// Make a range of whole hundreds stock. Answers with `number_block`.
    LoadBlock {
        /// The range.
        range: NumberRange,
        /// To whom Ofcom allocated it.
        range_holder: Cupid,
        /// The place its numbers belong to.
        place: SiteName,
    },
    /// Something about a block.
    Block {
        /// Which.
        block: NumberBlockId,
        /// What.
        command: BlockCommand,
    },
    /// Another provider takes numbers of our stock over.
    PortOut {
        /// Which; all of one block.
        numbers: NumberSet,
        /// The message that says so.
        message: MessageId,
    },
    /// Hold a company's name and domain. Answers with `company`, its service reference.
    Qualify {
        /// For whom.
        reseller: ResellerId,
        /// As the reseller writes it.
        name: CompanyName,
        /// Its internet domain.
        domain: Domain,
    },
    /// Hold numbers for a company. Answers with `reservation`.
    ReserveNumbers {
        /// Which company.
        company: CompanyId,
        /// Which numbers, exactly or by a search.
        ask: NumberAsk,
        /// Without an end, until used or released.
        ring_fence: bool,
    },
    /// Give numbers of a company back.
    CeaseNumbers {
        /// Which company.
        company: CompanyId,
        /// Which numbers.
        numbers: NumberSet,
    },
    /// Something about a company alone.
    Company {
        /// Which.
        company: CompanyId,
        /// What.
        command: CompanyCommand,
    },
    /// Begin a draft. Answers with `order`.
    CreateOrder {
        /// Whose.
        reseller: ResellerId,
        /// The reseller's own reference.
        reference: OrderReference,
        /// For which company; a number import may name none.
        company: Option<CompanyId>,
        /// Its first lines, numbered from 1.
        lines: Vec<LineRequest>,
    },
    /// Want a draft done; refused with every reason at once.
    Submit {
        /// Which order.
        order: OrderId,
    },
    /// Answer a requested cancellation by what its ports and lines allow now.
    AnswerCancellation {
        /// Which order.
        order: OrderId,
    },
    /// Fail a line that waits for its company, while no order is to bring that into service.
    GiveUpLine {
        /// Which order.
        order: OrderId,
        /// Which of its lines.
        line: LineNumber,
    },
    /// Something about an order; what hangs on it follows.
    Order {
        /// Which.
        order: OrderId,
        /// What.
        command: OrderCommand,
    },
    /// Something about a port request, or what a supplier says of it; what hangs on it follows.
    Port {
        /// Which.
        port_request: PortRequestId,
        /// What.
        command: PortCommand,
    },
    /// Send a reseller's notices somewhere. Answers with `webhook`.
    CreateWebhook {
        /// Whose.
        reseller: ResellerId,
        /// Where to.
        url: EndpointUrl,
        /// Only these types; all of them where there is none.
        types: BTreeSet<NoticeType>,
        /// What it is for.
        description: WebhookDescription,
        /// What signs.
        key: SigningKey,
        /// After which sequence of the reseller's notices it begins.
        after: u64,
    },
    /// Something about a webhook.
    Webhook {
        /// Which.
        webhook: WebhookId,
        /// What.
        command: WebhookCommand,
    },
}

impl Command {
    /// What it is to be done to: the thing that it names, or what something new would belong to. None where that is the
    /// carrier itself.
    pub fn about(&self) -> Option<StreamId> {
        Some(match self {
            Self::CreateReseller { .. } | Self::LoadBlock { .. } | Self::PortOut { .. } => return None,
            Self::Reseller { reseller, .. }
            | Self::CloseReseller { reseller }
            | Self::Qualify { reseller, .. }
            | Self::CreateOrder { reseller, company: None, .. }
            | Self::CreateWebhook { reseller, .. } => (*reseller).into(),
            Self::Block { block, .. } => (*block).into(),
            Self::CreateOrder { company: Some(company), .. }
            | Self::ReserveNumbers { company, .. }
            | Self::CeaseNumbers { company, .. }
            | Self::Company { company, .. } => (*company).into(),
            Self::Submit { order }
            | Self::AnswerCancellation { order }
            | Self::GiveUpLine { order, .. }
            | Self::Order { order, .. } => (*order).into(),
            Self::Port { port_request, .. } => (*port_request).into(),
            Self::Webhook { webhook, .. } => (*webhook).into(),
        })
    }

    /// Its name, as provenance records it: the aggregate and the action, such as `order.start_line`.
    pub fn name(&self) -> String {
        let (aggregate, action): (&str, &str) = match self {
            Self::CreateReseller { .. } => ("reseller", "create"),
            Self::Reseller { command, .. } => ("reseller", ResellerAction::from(command).into()),
            Self::CloseReseller { .. } => ("reseller", "close"),
            Self::LoadBlock { .. } => ("number_block", "load"),
            Self::Block { command, .. } => ("number_block", BlockAction::from(command).into()),
            Self::PortOut { .. } => ("number_block", "port_out"),
            Self::Qualify { .. } => ("company", "qualify"),
            Self::ReserveNumbers { .. } => ("company", "reserve_numbers"),
            Self::CeaseNumbers { .. } => ("company", "cease_numbers"),
            Self::Company { command, .. } => ("company", CompanyAction::from(command).into()),
            Self::CreateOrder { .. } => ("order", "create"),
            Self::Submit { .. } => ("order", "submit"),
            Self::AnswerCancellation { .. } => ("order", "answer_cancellation"),
            Self::GiveUpLine { .. } => ("order", "give_up_line"),
            Self::Order { command, .. } => ("order", OrderAction::from(command).into()),
            Self::Port { command, .. } => ("port_request", PortAction::from(command).into()),
            Self::CreateWebhook { .. } => ("webhook", "create"),
            Self::Webhook { command, .. } => ("webhook", WebhookAction::from(command).into()),
        };
        format!("{aggregate}.{action}")
    }
}
