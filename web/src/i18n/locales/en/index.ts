import account from './account.json';
import call from './call.json';
import callErrors from './callErrors.json';
import common from './common.json';
import errors from './errors.json';
import home from './home.json';
import prejoin from './prejoin.json';
import settings from './settings.json';
import test from './test.json';

const allErrors = {
  ...errors,
  end: { ...errors.end, ...callErrors.end },
  api: { ...errors.api, ...callErrors.api },
};

export default { account, common, home, prejoin, call, settings, errors: allErrors, test };
