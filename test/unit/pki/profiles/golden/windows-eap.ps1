#Requires -Version 5.1
#Requires -RunAsAdministrator
# IKEv2 VPN "Example VPN" to vpn.example.com
#
# Windows compares what it dials with the domain names of the gateway's certificate alone: a gateway that is dialled
# by address needs that address as a dNSName (error 13801 otherwise). The certificate also needs the extended key
# usage serverAuth, and its CA has to be in the store of the machine (error 13801, 13806 for the client's own).
$ErrorActionPreference = 'Stop'
$name = 'Example VPN'
$server = 'vpn.example.com'

# The CAs that the gateway is verified with.
$authorities = @(
@'
-----BEGIN CERTIFICATE-----
MIIBnjCCAUOgAwIBAgIQfNi+61H39nLeqjoGdrnvaTAKBggqhkjOPQQDAjAeMQ0w
CwYDVQQKEwRUZXN0MQ0wCwYDVQQDEwRSb290MB4XDTI2MDUzMTIzMDAwMFoXDTM2
MDUyODIyNTk1OVowHjENMAsGA1UEChMEVGVzdDENMAsGA1UEAxMEUm9vdDBZMBMG
ByqGSM49AgEGCCqGSM49AwEHA0IABBIPBKe0rn258ZjvnzfnrfylEg6G9Ni/+Cfx
1kRvOLb8i61KOiRruMLSVthkJT06WerRzgchHshALT2D89KhSNSjYzBhMA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQWBBRLkrkB+d08+REv
dU5RyN/SS8XaSTAfBgNVHSMEGDAWgBRLkrkB+d08+REvdU5RyN/SS8XaSTAKBggq
hkjOPQQDAgNJADBGAiEAi3xx9+MI9sygp5bGVywHQI8bTj3+dir72inugz9a9scC
IQDmj+yNsIMZb5BAGSIqkETb1dm3WcCKaVZv20yfLUyVgw==
-----END CERTIFICATE-----
'@
)
$issuers = foreach ($pem in $authorities) {
  $temporary = [System.IO.Path]::GetTempPath()
  $file = Join-Path -Path $temporary -ChildPath ([System.Guid]::NewGuid().ToString() + '.cer')
  try {
    Set-Content -LiteralPath $file -Value $pem -Encoding Ascii
    Import-Certificate -FilePath $file -CertStoreLocation Cert:\LocalMachine\Root
  } finally {
    Remove-Item -LiteralPath $file
  }
}

Get-VpnConnection -AllUserConnection -ErrorAction SilentlyContinue | Where-Object { $_.Name -eq $name } | ForEach-Object {
  Remove-VpnConnection -Name $name -AllUserConnection -Force
}
$eap = New-EapConfiguration
$connection = @{
  Name = $name
  ServerAddress = $server
  TunnelType = 'Ikev2'
  AuthenticationMethod = 'Eap'
  EncryptionLevel = 'Maximum'
  AllUserConnection = $true
  RememberCredential = $true
  SplitTunneling = $false
  EapConfigXmlStream = $eap.EapConfigXmlStream
}
Add-VpnConnection @connection

# By itself Windows offers only the broken group modp1024 (unless NegotiateDH2048_AES256 is set in the registry).
# This says what the gateway accepts: aes256gcm16-prfsha384-ecp256 and aes256gcm16-ecp256.
$ipsec = @{
  ConnectionName = $name
  EncryptionMethod = 'GCMAES256'
  IntegrityCheckMethod = 'SHA384'
  DHGroup = 'ECP256'
  CipherTransformConstants = 'GCMAES256'
  AuthenticationTransformConstants = 'GCMAES256'
  PfsGroup = 'ECP256'
  AllUserConnection = $true
  Force = $true
}
Set-VpnConnectionIPsecConfiguration @ipsec

Write-Host 'Done. Connect with: rasdial "Example VPN", or in Settings > Network & internet > VPN.'
