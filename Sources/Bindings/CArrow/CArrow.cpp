#include "CArrow.h"
#include <arrow/api.h>
#include <parquet/arrow/writer.h>
const char *pregao_arrow_version(void) { return ARROW_VERSION_STRING; }
