// bad_setting.c — wants two settings that nobody has set.
#include <leat/leat.h>

SETTINGS(BadSettings, (str, api_key, .min_length = 8, .secret = true, .env = "BAD_SETTING_API_KEY"), (i32, retry_count, .ge = 0));
PLUGIN(bad_setting);
