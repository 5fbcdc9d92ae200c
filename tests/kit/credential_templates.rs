//! Lines in which a secret of another kind is beside a key, for tests that reports do not display the secret.
//!
//! `{k}` in a template is replaced by the key. The other placeholders are replaced by a random secret each: `{q}` is a
//! password in quotes, `{w}` one without blanks, `{x}` one in XML, `{u}` one in a URL, `{t}` a token, `{b}` base64, `{h}`
//! hex, `{n20}` 20 letters and digits, `{U16}` 16 capitals and digits from 2 to 7.

/// One template for each way to write a credential.
pub(crate) const TEMPLATES: &[&str] = &[
    r##"<key>{k}</key><password>{x}</password>"##,
    r##"<server><id>a</id><username>u</username><password>{x}</password></server><!-- {k} -->"##,
    r##"<wsse:Password Type="PasswordText">{x}</wsse:Password> {k}"##,
    r##"<password><![CDATA[{x}]]></password> {k}"##,
    r##"<add key="Password" value="{x}"/><k v="{k}"/>"##,
    r##"<add value="{x}" key="Password"/><k v="{k}"/>"##,
    r##"<property name="connection.password">{x}</property> {k}"##,
    r##"<setting name="Password" serializeAs="String"><value>{x}</value></setting>{k}"##,
    r##"<key>password</key><string>{x}</string> {k}"##,
    r##"<string name="client_secret">{x}</string> {k}"##,
    r##"<input type="password" name="p" value="{x}"> {k}"##,
    r##"<connection user="u" password="{x}" key="{k}"/>"##,
    r##"&lt;password&gt;{x}&lt;/password&gt; {k}"##,
    r##""<password>{x}</password>" + "{k}""##,
    r##"[{"name":"DB_PASSWORD","value":"{q}"},{"name":"K","value":"{k}"}]"##,
    r##"[{"value":"{q}","name":"DB_PASSWORD"},{"name":"K","value":"{k}"}]"##,
    r##"{"Name": "DB_PASSWORD", "Value": "{q}", "k": "{k}"}"##,
    r##"- {name: DB_PASSWORD, value: "{q}"} # {k}"##,
    r##"{"key": "password", "type": "text", "value": "{q}", "k": "{k}"}"##,
    r##""{\"name\":\"DB_PASSWORD\",\"value\":\"{q}\",\"k\":\"{k}\"}""##,
    r##""{\"password\": \"{q}\", \"k\": \"{k}\"}""##,
    r##""{\\\"password\\\": \\\"{q}\\\", \\\"k\\\": \\\"{k}\\\"}""##,
    r##""{\\\\\\\"password\\\\\\\":\\\\\\\"{q}\\\\\\\",\\\\\\\"k\\\\\\\":\\\\\\\"{k}\\\\\\\"}""##,
    r##"curl -d "{\"password\":\"{q}\",\"key\":\"{k}\"}""##,
    r##"body="{\"client_secret\":\"{q}\",\"openai_key\":\"{k}\"}""##,
    r##"{""password"":""{q}"",""k"":""{k}""}"##,
    r##"{&quot;password&quot;:&quot;{q}&quot;,&quot;k&quot;:&quot;{k}&quot;}"##,
    r##"{\u0022password\u0022:\u0022{q}\u0022,\u0022k\u0022:\u0022{k}\u0022}"##,
    r##"{"password":"ab\"cd{q}","k":"{k}"}"##,
    r##"{"password":"{q}\\","k":"{k}"}"##,
    r##"{'password': 'it\'s{q}', 'k': '{k}'}"##,
    r##"password: 'it''s{q}' # {k}"##,
    r##"DB_PASSWORD={w} K={k}"##,
    r##"DB_PASSWORD=a1b2&{w} K={k}"##,
    r##"DB_PASSWORD=a1b2,{w} K={k}"##,
    r##"DB_PASSWORD=a1b2'{w} K={k}"##,
    r##"DB_PASSWORD=a1b2"{w} K={k}"##,
    r##"DB_PASSWORD=a1b2)({w} K={k}"##,
    r##"DB_PASSWORD=a1b2(]{w} K={k}"##,
    r##"DB_PASSWORD=$1a{w} K={k}"##,
    r##"DB_PASSWORD=*a1{w} K={k}"##,
    r##"DB_PASSWORD=<a1{w} K={k}"##,
    r##"DB_PASSWORD=%a1{w} K={k}"##,
    r##"DB_PASSWORD=a b {w} K={k}"##,
    r##"export CLIENT_SECRET={w} # {k}"##,
    r##"K={k} DB_PASSWORD={w}"##,
    r##"db.password={w} k={k}"##,
    r##"spring.datasource.password: {w} # {k}"##,
    r##"password: {w} # {k}"##,
    r##"curl -u admin:{w} -H "Authorization: Bearer {k}""##,
    r##"curl -u "admin:{q}" -H "Authorization: Bearer {k}""##,
    r##"curl --user admin:{w} https://x -H "Authorization: Bearer {k}""##,
    r##"curl --proxy-user admin:{w} {k}"##,
    r##"sshpass -p {w} ssh h OPENAI_API_KEY={k}"##,
    r##"sshpass -p'{q}' ssh h OPENAI_API_KEY={k}"##,
    r##"mysql -uroot -p{w} # {k}"##,
    r##"mysql -u root -p"{q}" db # {k}"##,
    r##"docker login -u u -p {w} r.example # {k}"##,
    r##"redis-cli -h x -a {w} # {k}"##,
    r##"["mysql", "-p", "{q}", "{k}"]"##,
    r##"tool --password {w} --key {k}"##,
    r##"tool --password={w} --key {k}"##,
    r##"tool --password "{q}" --key {k}"##,
    r##"tool --api-token '{q}' --key {k}"##,
    r##"Connect -Password {w} -Key {k}"##,
    r##"echo {w} | sudo -S ls # {k}"##,
    r##"echo "{q}" | docker login --password-stdin # {k}"##,
    r##"machine api.openai.com login u password {w} # {k}"##,
    r##"ds.setPassword("{q}"); ai.setKey("{k}");"##,
    r##"define('DB_PASSWORD', '{q}'); define('K','{k}');"##,
    r##"const dbPassword: string = '{q}'; const k='{k}'"##,
    r##"var dbPassword string = "{q}" // {k}"##,
    r##"let password: &str = "{q}"; // {k}"##,
    r##"let token: Option<&'static str> = Some("{q}"); // {k}"##,
    r##"val password: String? = "{q}" // {k}"##,
    r##"Dim password As String = "{q}" ' {k}"##,
    r##"char password[32] = "{q}"; // {k}"##,
    r##"$config['password'] = '{q}'; // {k}"##,
    r##"private static final String PASSWORD = "{q}"; // {k}"##,
    r##"password := "{q}" // {k}"##,
    r##"password => "{q}", k => "{k}""##,
    r##":password => '{q}', :k => '{k}'"##,
    r##"os.environ["DB_PASSWORD"] = "{q}" # {k}"##,
    r##"x = os.environ.get("DB_PASSWORD", "{q}") # {k}"##,
    r##"x = os.environ.get("DB_PASSWORD") or "{q}" # {k}"##,
    r##"password = process.env.DB_PASSWORD || '{q}' // {k}"##,
    r##"password = getenv("DB_PASSWORD") ?: "{q}" // {k}"##,
    r##""credentials":["u","{q}"], "{k}""##,
    r##"credentials: [u, {w}] # {k}"##,
    r##"auth=("user", "{q}"), key="{k}""##,
    r##"login("user", "{q}", "{k}")"##,
    r##"new NetworkCredential("user", "{q}"); // {k}"##,
    r##""auth": {"user": "u", "x": "{q}"}, "k": "{k}""##,
    r##"password = "abc" + "{q}" + "{k}""##,
    r##"password = b"{q}" # {k}"##,
    r##"password = SecretStr("{q}") # {k}"##,
    r##"password = String::from("{q}") // {k}"##,
    r##"password = """{q}""" # {k}"##,
    r##"ALTER USER u IDENTIFIED BY '{q}'; -- {k}"##,
    r##"CREATE USER u WITH PASSWORD '{q}'; -- {k}"##,
    r##"Authorization: Basic {b} X: {k}"##,
    r##"-H "Authorization: token {t}" -H "K: {k}""##,
    r##"-H "Authorization: Weird {t}" -H "K: {k}""##,
    r##"{"Authorization": "AWS4-HMAC-SHA256 Credential={t}/x, Signature={t}", "k": "{k}"}"##,
    r##"Authorization: Digest username="u", response="{t}" {k}"##,
    r##"Cookie: session={t}; b={t} # {k}"##,
    r##"X-Api-Key: {t} # {k}"##,
    r##"https://user:{u}@host.example/x?k={k}"##,
    r##"https://user:a/b{u}@host.example/x {k}"##,
    r##"https://user:a#b{u}@host.example/x {k}"##,
    r##"https://user:a@b{u}@host.example/x {k}"##,
    r##"https://{t}@host.example/x {k}"##,
    r##"root:{u}@tcp(127.0.0.1:3306)/db {k}"##,
    r##"jdbc:oracle:thin:scott/{u}@//h:1521/x {k}"##,
    r##"https://h.example/x?a=b&token={t}&c=d {k}"##,
    r##"https://h.example/x?sig={t}&c=d {k}"##,
    r##"https://h.example/x?access_token={t}#x {k}"##,
    r##"Server=x;Database=y;Pwd={t};User=z {k}"##,
    r##"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b};EndpointSuffix=y {k}"##,
    r##"Endpoint=sb://x/;SharedAccessKeyName=R;SharedAccessKey={b} {k}"##,
    r##"connectionString="Server=x;Password={t};" {k}"##,
    r##"-----BEGIN PRIVATE KEY-----\n{b}\n-----END PRIVATE KEY----- {k}"##,
    r##"-----BEGIN PGP PRIVATE KEY BLOCK----- {b} -----END {k}"##,
    r##"ghp_{n36} {k}"##,
    r##"glpat-{n20} {k}"##,
    r##"xoxb-{n36} {k}"##,
    r##"AKIA{U16} {k}"##,
    r##"AIza{n35} {k}"##,
    r##"hf_{n34} {k}"##,
    r##"r8_{n37} {k}"##,
    r##"sk-ant-api03-{n36} {k}"##,
    r##"gsk_{n36} {k}"##,
    r##"eyJ{n17}.eyJ{n36}.{n43} {k}"##,
    r##"shared_key={h} K={k}"##,
    r##"previous: {h}, openai: {k}"##,
    r##"{k} HMAC_SHA256_KEY={h}"##,
    r##"hash_key: "{h}", k: "{k}""##,
    r##"review_app_key={h} K={k}"##,
    r##"object_store_key={h} K={k}"##,
    r##"the password is {t} for {k}"##,
    r##"Password : {w} {k}"##,
    r##"PASSWORD '{q}' {k}"##,
    r##"ENV DB_PASSWORD {w} # {k}"##,
    r##"setx DB_PASSWORD "{q}" {k}"##,
    r##"ConvertTo-SecureString "{q}" -AsPlainText # {k}"##,
    r##"sqlcmd -U sa -P {w} # {k}"##,
    r##"net use \\h\s /user:u {w} # {k}"##,
    r##"smbclient -U user%{w} //h/s # {k}"##,
    r##"openssl enc -pass pass:{w} # {k}"##,
    r##"page.fill('#password', '{q}') // {k}"##,
    r##"$("#password").val("{q}") // {k}"##,
    r##"By.id("password")).sendKeys("{q}") // {k}"##,
    r##"secret: !!str {w} # {k}"##,
    r##"API_TOKEN: "{q}" # {k}"##,
    r##"%22password%22%3A%22{n36}%22 {k}"##,
];

/// A template with secrets and a key in place of its placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) template: &'static str,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

impl Credential {
    /// [`MIN_PART_LEN`] characters of a secret in a row that `report` contains, unless they are also in the template.
    pub(crate) fn part_in(&self, report: &str) -> Option<String> {
        let parts = self.secrets.iter().flat_map(|secret| secret.as_bytes().windows(MIN_PART_LEN));
        parts
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .find(|part| report.contains(part) && !self.template.contains(part))
    }
}

/// The length of the shortest part of a secret that must not be displayed, in characters. Shorter parts occur in other text
/// by chance.
const MIN_PART_LEN: usize = 6;

/// A credential for each template, with `key`, and with random secrets that depend on `seed`.
pub(crate) fn credentials(seed: u64, key: &str) -> Vec<Credential> {
    // An odd multiplier spreads small seeds over all bits; `| 1` since xorshift cannot start from 0.
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    TEMPLATES.iter().map(|template| fill_template(template, &mut random, key)).collect()
}

fn fill_template(template: &'static str, random: &mut Random, key: &str) -> Credential {
    let (mut text, mut secrets, mut rest) = (String::new(), Vec::new(), template);
    while let Some(brace) = rest.find('{') {
        text.push_str(&rest[..brace]);
        let name = rest[brace + 1..].split('}').next().unwrap_or_default();
        match random_secret(name, random) {
            Some(secret) => {
                text.push_str(&secret);
                secrets.push(secret);
                rest = &rest[brace + name.len() + 2..];
            }
            None if name == "k" => {
                text.push_str(key);
                rest = &rest[brace + "{k}".len()..];
            }
            // A brace that belongs to the text.
            None => {
                text.push('{');
                rest = &rest[brace + 1..];
            }
        }
    }
    text.push_str(rest);
    Credential { template, text, secrets }
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

/// A secret for the placeholder with this name, unless there is none.
fn random_secret(name: &str, random: &mut Random) -> Option<String> {
    let base62 = [LETTERS, CAPITALS, DIGITS].concat();
    let length = 9 + random.below(16);
    // A password that contains the given signs in half of all cases, and is only lower-case letters in a quarter.
    let password = |signs: &str, random: &mut Random| {
        let alphabet = match random.below(4) {
            0 => LETTERS.to_owned(),
            1 => base62.clone(),
            _ => [&base62, signs].concat(),
        };
        format!("x{}z", random.text(&alphabet, length).trim())
    };
    Some(match name {
        "q" => password("!@#$%^&*()-_=+[]{};:,.<>/?|~ ", random),
        "w" => password("!@#$%^&*()-_=+[]{};:,.<>/?|~", random),
        "x" => password("!@#$%^*()-_=+[]{};:,./?|~", random),
        "u" => password("!$%^*()-_=+[];,.|~", random),
        "t" => format!("x{}1", random.text(&[&base62, "-_"].concat(), length + 4)),
        "b" => random.text(&[&base62, "+/"].concat(), 44),
        "h" => random.text("0123456789abcdef", 32),
        _ => {
            let length = name.get(1..)?.parse().ok()?;
            match &name[..1] {
                "n" => random.text(&base62, length),
                "U" => random.text(&[CAPITALS, "234567"].concat(), length),
                _ => return None,
            }
        }
    })
}

/// A xorshift generator, which gives the same secrets for the same seed on every platform.
struct Random(u64);

impl Random {
    /// A number that is at least 0 and less than `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 16) % limit as u64).unwrap_or_default()
    }

    /// `length` random characters of `alphabet`, which must be ASCII.
    fn text(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }
}
