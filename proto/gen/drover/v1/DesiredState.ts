// Original file: proto/drover/v1/agent_session.proto


export interface DesiredStateInput {
  'profileName'?: (string);
  'profileRevision'?: (number);
  'tuners'?: ({[key: string]: string});
  'digest'?: (string);
  'trialSeconds'?: (number);
  'onFailure'?: (string);
  'guests'?: (string);
}

export interface DesiredState {
  'profileName': (string);
  'profileRevision': (number);
  'tuners': ({[key: string]: string});
  'digest': (string);
  'trialSeconds': (number);
  'onFailure': (string);
  'guests': (string);
}
