/** What is done with a message; `stop`: nothing is taken from here on. */
export type Verdict = 'own' | 'foreign' | 'undecided' | 'stop';
