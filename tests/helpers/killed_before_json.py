"""``python -m killed_before_json WORDS``: a prediction that ends, as if killed, where its JSON would be written."""

import os
import sys

from c2fpose import predict
from c2fpose.prediction.outputs import json

json.write = lambda *_: os._exit(9)
predict.main(sys.argv[1:])
