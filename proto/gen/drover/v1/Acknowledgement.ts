// Original file: proto/drover/v1/agent_session.proto


export interface AcknowledgementInput {
}

export interface Acknowledgement {
}
