// Original file: proto/drover/v1/agent_session.proto


export interface RejectedAllocationInput {
  'id'?: (string);
  'reason'?: (string);
}

export interface RejectedAllocation {
  'id': (string);
  'reason': (string);
}
